// SPDX-License-Identifier: Apache-2.0
// Liquidates accounts of one Aave V3 pool, with borrowed or with own money, and keeps the profit. docs/flash.md has
// the flow, the threats and the gas.
//
// Amounts are token units, `tip` and `paid` wei, `share` basis points. Tokens are trusted for nothing: what an order
// brought is what the contract holds of the debt token afterwards beside what it held before, and a transaction that
// brings less than the order demands undoes itself. Between transactions the contract holds only what its owner put
// or left there, and nobody has an allowance.
pragma solidity 0.8.27;

interface IERC20 {
    function balanceOf(address account) external view returns (uint256);
    function allowance(address owner, address spender) external view returns (uint256);
    function approve(address spender, uint256 value) external returns (bool);
    function transfer(address to, uint256 value) external returns (bool);
}

interface IWrapped {
    function withdraw(uint256 value) external;
}

interface IPool {
    // Of V3.0 to V3.6 alike.
    struct ReserveData {
        uint256 configuration;
        uint128 liquidityIndex;
        uint128 liquidityRate;
        uint128 variableBorrowIndex;
        uint128 variableBorrowRate;
        uint128 stableBorrowRate;
        uint40 lastUpdateTimestamp;
        uint16 id;
        address aToken;
        address stableDebtToken;
        address variableDebtToken;
        address interestRateStrategy;
        uint128 accruedToTreasury;
        uint128 unbacked;
        uint128 isolationModeTotalDebt;
    }

    function flashLoanSimple(address receiver, address asset, uint256 amount, bytes calldata params, uint16 referral) external;
    function liquidationCall(address collateral, address debt, address user, uint256 amount, bool receiveAToken) external;
    function getReserveData(address asset) external view returns (ReserveData memory);
    function getUserAccountData(address user)
        external
        view
        returns (uint256 collateral, uint256 debt, uint256 available, uint256 threshold, uint256 ltv, uint256 health);
}

// A router of Uniswap V2's shape. What it returns is not looked at.
interface IRouter {
    function swapExactTokensForTokens(uint256 given, uint256 least, address[] calldata path, address to, uint256 deadline) external;
}

contract Liquidator {
    struct Order {
        address user;
        address debt;
        address collateral;
        address router; // sells the collateral (and, for a share, the debt token); allow-listed
        uint256 amount; // of debt to repay at most; max: all that the user owes in this token
        uint256 minProfit; // in the debt token, share deducted, gas not
        uint256 tip; // to the block's maker out of the call's value
        uint256 share; // of the profit to the block's maker
        uint256 flags;
        address[] via; // the collateral is sold along collateral, via..., debt
        address[] tipVia; // the share along debt, tipVia..., WETH
    }

    uint256 private constant FLASH_LOAN = 1; // else own money
    uint256 private constant CHECK_HEALTH = 2; // end early if the user is healthy: for where a failure costs gas
    uint256 private constant PAY_OUT = 4; // the profit to the owner, else it stays here

    uint8 private constant IDLE = 1;
    uint8 private constant RUNNING = 2;
    uint8 private constant LOAN = 3; // the pool's callback is due

    uint256 private constant WHOLE = 10000;
    uint256 private constant HEALTHY = 1e18;
    uint256 private constant REASON_MAX = 132; // bytes: an error with four words, or Error(string) of 64 characters
    uint256 private constant GAS_AFTER = 16000; // to report an item of a batch that failed

    IPool public immutable POOL;
    IERC20 public immutable WETH;

    address public owner;
    uint8 private state = IDLE;
    address public pendingOwner;
    mapping(address => bool) public callers;
    mapping(address => bool) public routers;

    // One of these two for each item, in the order of the items.
    event Liquidated(
        address indexed user,
        address indexed debt,
        address indexed collateral,
        uint256 repaid,
        uint256 seized,
        uint256 premium,
        uint256 profit, // share deducted
        uint256 paid // to the block's maker
    );
    event Failed(address indexed user, address indexed debt, address indexed collateral, bytes reason);
    event CallerSet(address indexed caller, bool allowed);
    event RouterSet(address indexed router, bool allowed);
    event OwnerProposed(address indexed next);
    event OwnerChanged(address indexed previous, address indexed next);

    error NotOwner();
    error NotCaller();
    error NotPool();
    error NotInitiator();
    error NotSelf();
    error NotContract(address where);
    error Busy();
    error RouterNotAllowed(address router);
    error BadShare();
    error BadRequired();
    error Healthy(uint256 healthFactor);
    error NoDebt();
    error NoProfit(uint256 balance, uint256 wanted);
    error TipAboveValue();
    error PaymentFailed(address to);
    error TokenRefused(address token);
    error OutOfGas();
    error TooFew(uint256 done);

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner();
        _;
    }

    modifier onlyCaller() {
        if (!callers[msg.sender]) revert NotCaller();
        _;
    }

    modifier guarded() {
        if (state != IDLE) revert Busy();
        state = RUNNING;
        _;
        state = IDLE;
    }

    constructor(address pool, address weth, address owner_) {
        if (pool.code.length == 0) revert NotContract(pool);
        if (weth.code.length == 0) revert NotContract(weth);
        if (owner_ == address(0)) revert NotOwner();
        POOL = IPool(pool);
        WETH = IERC20(weth);
        owner = owner_;
        emit OwnerChanged(address(0), owner_);
    }

    // Unwrapped ether only.
    receive() external payable {
        if (msg.sender != address(WETH)) revert NotCaller();
    }

    // ---- orders. What is left of the call's value goes back to the caller.

    function liquidate(Order calldata o) external payable onlyCaller guarded {
        if (o.tip > msg.value) revert TipAboveValue();
        _liquidate(o);
        _pay(msg.sender, msg.value - o.tip);
    }

    // Each item has at most gasEach; one that fails is reported and the rest goes on. Undone, as soon as that is
    // certain, when fewer than `required` succeed.
    function liquidateMany(Order[] calldata orders, uint256 required, uint256 gasEach) external payable onlyCaller guarded {
        if (required > orders.length) revert BadRequired();
        uint256 left = msg.value;
        uint256 done;
        for (uint256 i = 0; i < orders.length; i++) {
            Order calldata o = orders[i];
            uint256 after_ = orders.length - i - 1;
            (bool ok, bytes memory reason) = _try(o, left, gasEach, after_);
            if (ok) {
                done++;
                left -= o.tip;
            } else {
                if (done + after_ < required) revert TooFew(done);
                emit Failed(o.user, o.debt, o.collateral, reason);
            }
        }
        _pay(msg.sender, left);
    }

    // An item of a batch, called by liquidateMany.
    function item(Order calldata o) external {
        if (msg.sender != address(this)) revert NotSelf();
        _liquidate(o);
    }

    // The pool's callback: the loan is here, and is taken back by the pool when this returns.
    function executeOperation(address, uint256 amount, uint256 premium, address initiator, bytes calldata params)
        external
        returns (bool)
    {
        if (msg.sender != address(POOL)) revert NotPool();
        if (initiator != address(this)) revert NotInitiator();
        if (state != LOAN) revert Busy();
        state = RUNNING;
        (Order memory o, uint256 held) = abi.decode(params, (Order, uint256));
        _run(o, amount, held, premium, amount + premium);
        _approve(o.debt, address(POOL), amount + premium);
        return true;
    }

    // ---- the owner's

    function setCaller(address caller, bool allowed) external onlyOwner {
        callers[caller] = allowed;
        emit CallerSet(caller, allowed);
    }

    function setRouter(address router, bool allowed) external onlyOwner {
        if (allowed && router.code.length == 0) revert NotContract(router);
        routers[router] = allowed;
        emit RouterSet(router, allowed);
    }

    function proposeOwner(address next) external onlyOwner {
        pendingOwner = next;
        emit OwnerProposed(next);
    }

    function acceptOwner() external {
        if (msg.sender != pendingOwner) revert NotOwner();
        emit OwnerChanged(owner, msg.sender);
        owner = msg.sender;
        delete pendingOwner;
    }

    // Tokens, or ether for the token 0.
    function rescue(address token, address to, uint256 amount) external onlyOwner guarded {
        if (token == address(0)) _pay(to, amount);
        else _token(token, abi.encodeCall(IERC20.transfer, (to, amount)));
    }

    // ---- one order

    // The item in a frame of its own, and why it failed. Neither its gas nor its return data can harm what follows.
    function _try(Order calldata o, uint256 value, uint256 gasEach, uint256 after_) private returns (bool ok, bytes memory reason) {
        if (o.tip > value) return (false, abi.encodeWithSelector(TipAboveValue.selector));
        bytes memory data = abi.encodeCall(this.item, (o));
        // A call gets at most 63/64 of what is there.
        uint256 enough = gasEach + gasEach / 63 + GAS_AFTER * (after_ + 2);
        if (gasleft() < enough) return (false, abi.encodeWithSelector(OutOfGas.selector));
        uint256 most = REASON_MAX;
        assembly ("memory-safe") {
            ok := call(gasEach, address(), 0, add(data, 32), mload(data), 0, 0)
            if iszero(ok) {
                let n := returndatasize()
                if gt(n, most) { n := most }
                reason := mload(0x40)
                mstore(reason, n)
                returndatacopy(add(reason, 32), 0, n)
                mstore(0x40, and(add(add(reason, n), 63), not(31)))
            }
        }
    }

    function _liquidate(Order calldata o) private {
        if (o.share >= WHOLE) revert BadShare();
        if (o.flags & CHECK_HEALTH != 0) {
            (,,,,, uint256 health) = POOL.getUserAccountData(o.user);
            if (health >= HEALTHY) revert Healthy(health);
        }
        uint256 amount = o.amount;
        if (amount == type(uint256).max) {
            amount = IERC20(POOL.getReserveData(o.debt).variableDebtToken).balanceOf(o.user);
            if (amount == 0) revert NoDebt();
        }
        uint256 held = _balance(o.debt);
        if (o.flags & FLASH_LOAN != 0) {
            state = LOAN;
            POOL.flashLoanSimple(address(this), o.debt, amount, abi.encode(o, held), 0);
            // The pool has taken its own back since the profit was checked.
            _gain(o.debt, o.flags & PAY_OUT != 0 ? held : held + o.minProfit);
        } else {
            _run(o, amount, held, 0, 0);
        }
    }

    // held: of the debt token before; owed: what of it the pool will take back.
    function _run(Order memory o, uint256 amount, uint256 held, uint256 premium, uint256 owed) private {
        (uint256 repaid, uint256 seized) = _seize(o, amount);
        uint256 base = held + owed;
        if (o.collateral != o.debt) {
            // What is left of the gain when the share is deducted must be minProfit.
            uint256 wanted = base + (o.minProfit * WHOLE + WHOLE - o.share - 1) / (WHOLE - o.share);
            uint256 have = _balance(o.debt);
            _sell(o.router, _path(o.collateral, o.via, o.debt), seized, wanted > have ? wanted - have : 0);
        }
        uint256 paid = _reward(o, base);
        uint256 profit = _gain(o.debt, base + o.minProfit) + o.minProfit;
        if (o.flags & PAY_OUT != 0 && profit != 0) _token(o.debt, abi.encodeCall(IERC20.transfer, (owner, profit)));
        emit Liquidated(o.user, o.debt, o.collateral, repaid, seized, premium, profit, paid);
    }

    function _seize(Order memory o, uint256 amount) private returns (uint256 repaid, uint256 seized) {
        uint256 held = _balance(o.collateral);
        _approve(o.debt, address(POOL), amount);
        POOL.liquidationCall(o.collateral, o.debt, o.user, amount, false);
        repaid = amount - _revoke(o.debt, address(POOL));
        if (o.collateral == o.debt) held -= repaid;
        seized = _balance(o.collateral) - held;
    }

    // What the block's maker gets: the order's tip and its share of the gain over `base`.
    function _reward(Order memory o, uint256 base) private returns (uint256 paid) {
        uint256 share;
        if (o.share != 0) {
            share = _gain(o.debt, base) * o.share / WHOLE;
            if (o.debt != address(WETH) && share != 0) {
                uint256 held = _balance(address(WETH));
                // No floor: who makes the block would cheat nobody but himself.
                _sell(o.router, _path(o.debt, o.tipVia, address(WETH)), share, 0);
                share = _balance(address(WETH)) - held;
            }
            if (share != 0) IWrapped(address(WETH)).withdraw(share);
        }
        paid = o.tip + share;
        _pay(block.coinbase, paid);
    }

    function _sell(address router, address[] memory path, uint256 given, uint256 least) private {
        if (!routers[router]) revert RouterNotAllowed(router);
        _approve(path[0], router, given);
        IRouter(router).swapExactTokensForTokens(given, least, path, address(this), block.timestamp);
        _revoke(path[0], router);
    }

    function _path(address from, address[] memory via, address to) private pure returns (address[] memory path) {
        uint256 n = via.length;
        path = new address[](n + 2);
        path[0] = from;
        for (uint256 i = 0; i < n; i++) path[i + 1] = via[i];
        path[n + 1] = to;
    }

    // ---- tokens, of which some return nothing and some refuse to change an allowance that is not zero

    function _balance(address token) private view returns (uint256) {
        return IERC20(token).balanceOf(address(this));
    }

    // What is held above `wanted`; undoes everything when it is less.
    function _gain(address token, uint256 wanted) private view returns (uint256) {
        uint256 balance = _balance(token);
        if (balance < wanted) revert NoProfit(balance, wanted);
        return balance - wanted;
    }

    function _approve(address token, address spender, uint256 value) private {
        _token(token, abi.encodeCall(IERC20.approve, (spender, value)));
    }

    // Takes back what a spender has left of its allowance; how much that was.
    function _revoke(address token, address spender) private returns (uint256 left) {
        left = IERC20(token).allowance(address(this), spender);
        if (left != 0) _approve(token, spender, 0);
    }

    function _token(address token, bytes memory data) private {
        (bool ok, bytes memory out) = token.call(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(out, 32), mload(out))
            }
        }
        if (out.length == 0 ? token.code.length == 0 : !abi.decode(out, (bool))) revert TokenRefused(token);
    }

    function _pay(address to, uint256 value) private {
        if (value == 0) return;
        bool ok;
        assembly ("memory-safe") {
            ok := call(gas(), to, value, 0, 0, 0, 0)
        }
        if (!ok) revert PaymentFailed(to);
    }
}
