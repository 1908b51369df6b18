// SPDX-License-Identifier: Apache-2.0
// `tripline lab auction`: an auction out of a file over its seconds or prices, bids played on it, and what a
// keeper earns. As a subcommand of cli.h, argv[0] being "auction".
#ifndef TRIPLINE_CLI_LAB_AUCTION_H
#define TRIPLINE_CLI_LAB_AUCTION_H

int lab_auction(int argc, char **argv);

#endif
