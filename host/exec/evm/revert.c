// SPDX-License-Identifier: Apache-2.0
#include "exec/evm/revert.h"
#include "evm/abi.h"

enum { SELECTOR_BYTES = 4, TEXT_AT = SELECTOR_BYTES + 2 * WORD_BYTES };
#define SELECTOR_ERROR 0x08c379a0u // Error(string)
#define SELECTOR_PANIC 0x4e487b71u // Panic(uint256)

static const struct known {
    uint32_t selector;
    enum revert_reason reason;
    const char *name;
} known[] = {
    {SELECTOR_ERROR, REVERT_UNKNOWN, "Error(string)"},
    {SELECTOR_PANIC, REVERT_PANIC, "Panic(uint256)"},
    {0x039ebb30, REVERT_PROTOCOL, "InconsistentFlashloanParams()"},
    {0x0cafc072, REVERT_PROTOCOL, "UserInIsolationModeOrLtvZero()"},
    {0x0d10f63b, REVERT_PROTOCOL, "InconsistentParamsLength()"},
    {0x11a3fbc6, REVERT_NO_DEBT, "NoDebt()"},
    {0x11c56c89, REVERT_ORDER, "BadShare()"},
    {0x16c618d8, REVERT_NOT_ALLOWED, "NotCaller()"},
    {0x16f1ef81, REVERT_PROTOCOL, "UserCannotHaveDebt()"},
    {0x17c5a78e, REVERT_PROTOCOL, "InvalidInterestRateModeSelected()"},
    {0x18d2badf, REVERT_PROTOCOL, "SupplyToAToken()"},
    {0x19e2f692, REVERT_PROTOCOL, "AddressesProviderAlreadyAdded()"},
    {0x2075cc10, REVERT_AMOUNT, "InvalidBurnAmount()"},
    {0x239eacb9, REVERT_PROTOCOL, "InvalidLiquidationProtocolFee()"},
    {0x24812247, REVERT_PROTOCOL, "InvalidLtvzeroState()"},
    {0x29a270f5, REVERT_PROTOCOL, "OperationNotSupported()"},
    {0x29c3b7ee, REVERT_NOT_ALLOWED, "NotSelf()"},
    {0x2a67d7f9, REVERT_PROTOCOL, "InvalidDebtCeiling()"},
    {0x2c5211c6, REVERT_AMOUNT, "InvalidAmount()"},
    {0x2c906631, REVERT_PROTOCOL, "InvalidDebtInEmode(address,uint256)"},
    {0x30cd7471, REVERT_NOT_ALLOWED, "NotOwner()"},
    {0x30d1eeb9, REVERT_PROTOCOL, "AssetNotBorrowableInIsolation()"},
    {0x31708d59, REVERT_NO_PROFIT, "NoProfit(uint256,uint256)"},
    {0x32d6d3ef, REVERT_PROTOCOL, "InvalidReserveParams()"},
    {0x35a8aee7, REVERT_PROTOCOL, "InvalidOptimalUsageRatio()"},
    {0x3653732b, REVERT_NO_DEBT, "SpecifiedCurrencyNotBorrowedByUser()"},
    {0x36899e48, REVERT_PAYMENT, "PaymentFailed(address)"},
    {0x373792d2, REVERT_PROTOCOL, "InvalidReserveFactor()"},
    {0x3a38503c, REVERT_PROTOCOL, "CallerNotAssetListingOrPoolAdmin()"},
    {0x3b175b87, REVERT_PROTOCOL, "InvalidAddressesProvider()"},
    {0x3bf95ba7, REVERT_PROTOCOL, "ZeroAddressNotValid()"},
    {0x3e51d2c0, REVERT_PROTOCOL, "InvalidLiquidationThreshold()"},
    {0x3ef33375, REVERT_BUSY, "Busy()"},
    {0x42b5e35a, REVERT_NOT_ALLOWED, "NotInitiator()"},
    {0x44511af1, REVERT_NOT_ALLOWED, "SelfLiquidation()"},
    {0x44ff885f, REVERT_PROTOCOL, "CallerNotPoolConfigurator()"},
    {0x47bc4b2c, REVERT_LIQUIDITY, "NotEnoughAvailableUserBalance()"},
    {0x495f4041, REVERT_PROTOCOL, "DebtCeilingNotZero()"},
    {0x4c2b89eb, REVERT_PROTOCOL, "PoolAddressesDoNotMatch()"},
    {0x4f9d999f, REVERT_PROTOCOL, "ReserveDebtNotZero()"},
    {0x5274afe7, REVERT_TOKEN, "SafeERC20FailedOperation(address)"},
    {0x53587745, REVERT_PROTOCOL, "BorrowingNotEnabled()"},
    {0x54198c1c, REVERT_PROTOCOL, "InvalidLiquidationBonus()"},
    {0x54b39ce2, REVERT_PROTOCOL, "CallerMustBePool()"},
    {0x57db5bba, REVERT_PROTOCOL, "NotBorrowableInEMode()"},
    {0x580f2f14, REVERT_LOAN, "FlashloanDisabled()"},
    {0x58294a43, REVERT_TOKEN, "TokenRefused(address)"},
    {0x5b263df7, REVERT_PROTOCOL, "LtvValidationFailed()"},
    {0x5fe10377, REVERT_PROTOCOL, "UnderlyingBalanceZero()"},
    {0x649641c2, REVERT_PROTOCOL, "InvalidLtv()"},
    {0x6679996d, REVERT_PROTOCOL, "HealthFactorLowerThanLiquidationThreshold()"},
    {0x66e574d7, REVERT_PROTOCOL, "CallerNotRiskOrPoolAdmin()"},
    {0x6d305815, REVERT_CLOSED, "ReserveFrozen()"},
    {0x6f61f641, REVERT_NOT_ALLOWED, "NotPool()"},
    {0x6f7c43f1, REVERT_PROTOCOL, "NotContract()"},
    {0x742d1c72, REVERT_PROTOCOL, "FlashloanPremiumInvalid()"},
    {0x7498ebd0, REVERT_PROTOCOL, "AddressesProviderNotRegistered()"},
    {0x77a6a896, REVERT_PROTOCOL, "BorrowCapExceeded()"},
    {0x77ebef4d, REVERT_GAS, "OutOfGas()"},
    {0x7999528e, REVERT_PROTOCOL, "ReserveLiquidityNotZero()"},
    {0x803ddb7b, REVERT_PROTOCOL, "CallerNotRiskOrPoolOrEmergencyAdmin()"},
    {0x85e98beb, REVERT_PROTOCOL, "InvalidReserveIndex()"},
    {0x87f76caf, REVERT_PAYMENT, "TipAboveValue()"},
    {0x8baa579f, REVERT_PROTOCOL, "InvalidSignature()"},
    {0x90cd6f24, REVERT_CLOSED, "ReserveInactive()"},
    {0x91037009, REVERT_SENTINEL, "PriceOracleSentinelCheckFailed()"},
    {0x911ceb81, REVERT_PROTOCOL, "CollateralCannotCoverNewBorrow()"},
    {0x923a9466, REVERT_PROTOCOL, "NoMoreReservesAllowed()"},
    {0x92842113, REVERT_PROTOCOL, "EModeCategoryReserved()"},
    {0x930bb771, REVERT_HEALTHY, "HealthFactorNotBelowThreshold()"},
    {0x934f6050, REVERT_PROTOCOL, "CallerNotPoolOrEmergencyAdmin()"},
    {0x93b9ef1f, REVERT_PROTOCOL, "CallerNotAToken()"},
    {0x94280d62, REVERT_TOKEN, "ERC20InvalidSpender(address)"},
    {0x94468f03, REVERT_PROTOCOL, "ReserveNotInDeficit()"},
    {0x96c6fd1e, REVERT_TOKEN, "ERC20InvalidSender(address)"},
    {0x979b5ce8, REVERT_NO_COLLATERAL, "CollateralCannotBeLiquidated()"},
    {0x990c1656, REVERT_PROTOCOL, "InvalidFreezeState()"},
    {0x9e3e6060, REVERT_GRACE, "LiquidationGraceSentinelCheckFailed()"},
    {0xa7e9b5b6, REVERT_PROTOCOL, "InvalidBorrowCap()"},
    {0xabd80224, REVERT_PROTOCOL, "CallerNotPositionManager()"},
    {0xaecc2085, REVERT_PROTOCOL, "ReserveAlreadyAdded()"},
    {0xb5cf5b8f, REVERT_NOT_ALLOWED, "NotContract(address)"},
    {0xb629b0e4, REVERT_DUST, "MustNotLeaveDust()"},
    {0xb77e1e0f, REVERT_NOT_LISTED, "AssetNotListed()"},
    {0xbb5bfbae, REVERT_PROTOCOL, "AclAdminCannotBeZero()"},
    {0xbf9cb8bb, REVERT_PROTOCOL, "UnderlyingCannotBeRescued()"},
    {0xc0d76d92, REVERT_PROTOCOL, "InvalidSupplyCap()"},
    {0xc1d88872, REVERT_PROTOCOL, "InconsistentEModeCategory()"},
    {0xc26e71fb, REVERT_PROTOCOL, "UnderlyingClaimableRightsNotZero()"},
    {0xc27f9abe, REVERT_PROTOCOL, "SiloedBorrowingViolation()"},
    {0xc45a7cdd, REVERT_PROTOCOL, "CallerNotUmbrella()"},
    {0xc665406f, REVERT_NOT_ALLOWED, "RouterNotAllowed(address)"},
    {0xcc847899, REVERT_ORDER, "BadRequired()"},
    {0xccfad018, REVERT_AMOUNT, "InvalidMintAmount()"},
    {0xcd3779c3, REVERT_PROTOCOL, "NoExplicitAmountToRepayOnBehalf()"},
    {0xcdd36a97, REVERT_PROTOCOL, "CallerNotPoolAdmin()"},
    {0xd039d03d, REVERT_PROTOCOL, "MustBeEmodeCollateral(address,uint256)"},
    {0xd25598a0, REVERT_PROTOCOL, "InvalidDecimals()"},
    {0xd2f93f12, REVERT_PROTOCOL, "InvalidCollateralInEmode(address,uint256)"},
    {0xd33c1528, REVERT_PROTOCOL, "Slope2MustBeGteSlope1()"},
    {0xd37f5f1c, REVERT_CLOSED, "ReservePaused()"},
    {0xd71b1fd1, REVERT_PROTOCOL, "ReserveAlreadyInitialized()"},
    {0xd7c43e0f, REVERT_PROTOCOL, "InvalidGracePeriod()"},
    {0xdbc4273c, REVERT_PROTOCOL, "WithdrawToAToken()"},
    {0xdd04d593, REVERT_PROTOCOL, "VariableDebtSupplyNotZero()"},
    {0xe24734c2, REVERT_PROTOCOL, "DebtCeilingExceeded()"},
    {0xe2c7262c, REVERT_HEALTHY, "Healthy(uint256)"},
    {0xe450d38c, REVERT_TOKEN, "ERC20InsufficientBalance(address,uint256,uint256)"},
    {0xe602df05, REVERT_TOKEN, "ERC20InvalidApprover(address)"},
    {0xec1dd8d5, REVERT_PROTOCOL, "InvalidEmodeCategoryParams()"},
    {0xec442f05, REVERT_TOKEN, "ERC20InvalidReceiver(address)"},
    {0xedb5e5f2, REVERT_TOO_FEW, "TooFew(uint256)"},
    {0xee69f6c0, REVERT_PROTOCOL, "InvalidMaxRate()"},
    {0xf0788fb2, REVERT_NO_DEBT, "NoDebtOfSelectedType()"},
    {0xf58f733a, REVERT_PROTOCOL, "SupplyCapExceeded()"},
    {0xf7717657, REVERT_PROTOCOL, "InvalidAddressesProviderId()"},
    {0xfb2a6752, REVERT_PROTOCOL, "InvalidExpiration()"},
    {0xfb37391e, REVERT_LOAN, "InvalidFlashloanExecutorReturn()"},
    {0xfb8f41b2, REVERT_TOKEN, "ERC20InsufficientAllowance(address,uint256,uint256)"},
};
enum { N_KNOWN = sizeof known / sizeof *known };

// Aave up to 3.3 gives numbers as text.
static const struct number {
    const char *text;
    enum revert_reason reason;
} numbers[] = {
    {"13", REVERT_LOAN},     {"24", REVERT_AMOUNT},        {"25", REVERT_AMOUNT},
    {"26", REVERT_AMOUNT},   {"27", REVERT_CLOSED},        {"28", REVERT_CLOSED},
    {"29", REVERT_CLOSED},   {"32", REVERT_LIQUIDITY},     {"39", REVERT_NO_DEBT},
    {"45", REVERT_HEALTHY},  {"46", REVERT_NO_COLLATERAL}, {"47", REVERT_NO_DEBT},
    {"59", REVERT_SENTINEL}, {"82", REVERT_NOT_LISTED},    {"91", REVERT_LOAN},
    {"97", REVERT_GRACE},    {"103", REVERT_DUST},
};

// Texts by how they begin; the first that fits counts.
static const struct prefix {
    const char *text;
    enum revert_reason reason;
} prefixes[] = {
    {"UniswapV2Router: INSUFFICIENT_OUTPUT_AMOUNT", REVERT_PRICE},
    {"UniswapV2: INSUFFICIENT_LIQUIDITY", REVERT_LIQUIDITY},
    {"UniswapV2Library: INSUFFICIENT_LIQUIDITY", REVERT_LIQUIDITY},
    {"UniswapV2: TRANSFER_FAILED", REVERT_TOKEN},
    {"UniswapV2", REVERT_ROUTE},
    {"TransferHelper: ", REVERT_TOKEN},
    {"TransferHelper::", REVERT_TOKEN},
    {"ERC20: ", REVERT_TOKEN},
    {"SafeERC20: ", REVERT_TOKEN},
    {"GPv2: ", REVERT_TOKEN},
};

static bool all_digits(const char *s)
{
    if (*s == '\0')
        return false;
    while (*s >= '0' && *s <= '9')
        s++;
    return *s == '\0';
}

static enum revert_reason text_reason(const char *text)
{
    if (*text == '\0')
        return REVERT_EMPTY;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(text, numbers[i].text) == 0)
            return numbers[i].reason;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(text, prefixes[i].text, strlen(prefixes[i].text)) == 0)
            return prefixes[i].reason;
    return all_digits(text) && strlen(text) <= 3 ? REVERT_PROTOCOL : REVERT_UNKNOWN;
}

// The string of Error(string), or as much of it as there is: its one argument's tail follows its head.
static void read_text(const uint8_t *data, size_t n, struct revert *out)
{
    struct word w;
    uint64_t offset, length;
    if (n < TEXT_AT)
        return;
    memcpy(w.b, data + SELECTOR_BYTES, WORD_BYTES);
    if (word_to_u64(&w, &offset) || offset != WORD_BYTES)
        return;
    memcpy(w.b, data + SELECTOR_BYTES + WORD_BYTES, WORD_BYTES);
    if (word_to_u64(&w, &length))
        return;
    size_t there = n - TEXT_AT;
    if (length > there)
        length = there;
    if (length > REVERT_TEXT_MAX - 1)
        length = REVERT_TEXT_MAX - 1;
    for (size_t i = 0; i < length; i++) {
        uint8_t c = data[TEXT_AT + i];
        out->text[i] = c >= ' ' && c <= '~' ? (char)c : '?';
    }
    out->reason = text_reason(out->text);
}

static void read_args(const uint8_t *data, size_t n, struct revert *out)
{
    size_t words = (n - SELECTOR_BYTES) / WORD_BYTES;
    out->n_args = words < REVERT_ARGS_MAX ? (unsigned)words : REVERT_ARGS_MAX;
    for (size_t i = 0; i < out->n_args; i++)
        memcpy(out->arg[i].b, data + SELECTOR_BYTES + i * WORD_BYTES, WORD_BYTES);
}

void revert_decode(const uint8_t *data, size_t n, struct revert *out)
{
    *out = (struct revert){.reason = n ? REVERT_UNKNOWN : REVERT_EMPTY, .name = ""};
    if (n < SELECTOR_BYTES)
        return;
    out->selector = (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
    for (size_t i = 0; i < N_KNOWN; i++) {
        if (known[i].selector != out->selector)
            continue;
        out->reason = known[i].reason;
        out->name = known[i].name;
        if (out->selector == SELECTOR_ERROR)
            read_text(data, n, out);
        else
            read_args(data, n, out);
        return;
    }
}

const char *revert_reason_name(enum revert_reason r)
{
    static const char *const names[REVERT_REASONS] = {
        [REVERT_UNKNOWN] = "unknown",
        [REVERT_EMPTY] = "empty",
        [REVERT_HEALTHY] = "healthy",
        [REVERT_NO_DEBT] = "no debt",
        [REVERT_NO_COLLATERAL] = "no collateral",
        [REVERT_DUST] = "dust",
        [REVERT_AMOUNT] = "amount",
        [REVERT_GRACE] = "grace period",
        [REVERT_SENTINEL] = "sentinel",
        [REVERT_CLOSED] = "reserve closed",
        [REVERT_NOT_LISTED] = "not listed",
        [REVERT_LOAN] = "no loan",
        [REVERT_LIQUIDITY] = "liquidity",
        [REVERT_NO_PROFIT] = "no profit",
        [REVERT_PRICE] = "price",
        [REVERT_ROUTE] = "route",
        [REVERT_TOKEN] = "token",
        [REVERT_PAYMENT] = "payment",
        [REVERT_GAS] = "gas",
        [REVERT_TOO_FEW] = "too few",
        [REVERT_ORDER] = "order",
        [REVERT_NOT_ALLOWED] = "not allowed",
        [REVERT_BUSY] = "busy",
        [REVERT_PANIC] = "panic",
        [REVERT_PROTOCOL] = "protocol",
    };
    return (unsigned)r < REVERT_REASONS ? names[r] : "?";
}

size_t revert_known(void)
{
    return N_KNOWN;
}

const char *revert_known_name(size_t i)
{
    return known[i].name;
}

uint32_t revert_known_selector(size_t i)
{
    return known[i].selector;
}
