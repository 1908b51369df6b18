# SPDX-License-Identifier: Apache-2.0
# Read by compare.py behind the Makefile of the commit that it builds (make -f Makefile -f .../compare.mk): the guard's
# program of the tree at GUARD_FROM, on that commit's libraries.
$(B)/compare/%.o: $(GUARD_FROM)/tests/guard/%.c $(B)/flags | $(B)/gen/abi.h
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -c $< -o $@
$(B)/compare/hot_guard: $(B)/compare/hot_guard.o $(B)/compare/rig.o $(CORE_LIBS)
	@$(CC) $^ $(LDFLAGS) -Wl,--strip-debug $(LIBS_run) -o $@
