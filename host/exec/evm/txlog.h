// SPDX-License-Identifier: Apache-2.0
// What P6 needs of transactions: an append-only file (the journal's format and writer, a file of its own)
// that holds each signed transaction before it may be sent. Its records, in order:
//   signed   serial, order key, sender, nonce, hash, expiry, the signed bytes
//   retired  serial: was handed to nothing and never will be
//   sent     serial: was handed to a node or a relay (for the reader only; nothing waits for it)
//   ended    sender, nonce: settled for good; all that was signed for it before is of no more interest
//   orders   keys: what is signed under the first of them from now on may carry out all these (a batch)
//   given    serial: after a compaction; none up to it is used again
// The file is durable from its front: that a transaction is on disk proves that the retirements written
// before it are. One thread puts. Layout: docs/transactions.md.
#ifndef TRIPLINE_EXEC_EVM_TXLOG_H
#define TRIPLINE_EXEC_EVM_TXLOG_H

#include "evm/tx.h"
#include "exec/order.h"

enum tx_kind { TX_ORDER = 1, TX_CANCEL = 2 }; // a cancel is a transfer of nothing to oneself

enum { TXLOG_ORDERS_MAX = 64 };

struct txlog_signed {
    uint64_t serial; // grows over all runs, 1 is the first; below 2^52
    uint8_t kind;    // enum tx_kind
    struct order_key key;
    struct evm_address sender;
    uint64_t nonce;
    struct word hash;
    uint64_t expires_ns; // stream time; a TX_ORDER is not sent after
    const uint8_t *raw;
    size_t n;
};
// What may have been sent and is not settled, as found at the start. Bytes are the log's, until txlog_forget.
struct txlog_found {
    struct txlog_signed tx;
    bool sent; // surely
};

struct txlog;
enum { TXLOG_COMPACT_BYTES = 1 << 20 };
// Makes the file (mode 0600) or opens it, reads what is there and makes it durable. Refuses another chain's,
// one that another process has open, and a damaged one. A file above TXLOG_COMPACT_BYTES of which less than
// half is still open is replaced by one with just that, which takes FILE.compact beside it for a moment;
// where it cannot be written the file stays as it is.
int txlog_open(const char *path, uint64_t chain_id, struct txlog **out, struct err *e);
// Keys of the orders that were last logged for a batch under this key, itself the first; NULL: none. The
// log's, until txlog_forget.
const struct order_key *txlog_orders(const struct txlog *l, const struct order_key *k, size_t *n);
const struct txlog_found *txlog_found(const struct txlog *l, size_t *n); // by serial
void txlog_forget(struct txlog *l);                                      // frees what was found

uint64_t txlog_next_serial(struct txlog *l);
// LSN, or 0 when the log has failed: then it must not be sent. The rest cannot be refused for want of a disk.
uint64_t txlog_put_signed(struct txlog *l, const struct txlog_signed *t);
void txlog_put_orders(struct txlog *l, const struct order_key *key, size_t n); // n: 1 to TXLOG_ORDERS_MAX
void txlog_put_retired(struct txlog *l, uint64_t serial);
void txlog_put_sent(struct txlog *l, uint64_t serial);
void txlog_put_ended(struct txlog *l, const struct evm_address *sender, uint64_t nonce);
bool txlog_durable(const struct txlog *l, uint64_t lsn); // hot path
bool txlog_failed(const struct txlog *l, struct err *e);
int txlog_sync(struct txlog *l, struct err *e);
int txlog_close(struct txlog *l, struct err *e); // NULL is allowed

#endif
