// SPDX-License-Identifier: Apache-2.0
// What the liquidation contract may meet: tokens, routers, block makers and callers that behave badly. Tests only.
pragma solidity 0.8.27;

// Storage as in contracts/Token.sol, so that the code of one of these can take the place of a reserve's token.
contract OddToken {
    string public name;
    string public symbol;
    uint8 public immutable decimals;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    constructor(string memory symbol_, uint8 decimals_) {
        name = symbol_;
        symbol = symbol_;
        decimals = decimals_;
    }

    function mint(address to, uint256 value) external {
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function _approve(address spender, uint256 value) internal {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
    }

    function _take(address from, uint256 value) internal {
        if (allowance[from][msg.sender] != type(uint256).max) allowance[from][msg.sender] -= value;
    }

    function _move(address from, address to, uint256 value) internal virtual {
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }
}

// Returns nothing; an allowance that is not zero can only become zero.
contract SilentToken is OddToken {
    error AllowanceFirstToZero();

    constructor(string memory symbol_, uint8 decimals_) OddToken(symbol_, decimals_) {}

    function approve(address spender, uint256 value) external {
        if (value != 0 && allowance[msg.sender][spender] != 0) revert AllowanceFirstToZero();
        _approve(spender, value);
    }

    function transfer(address to, uint256 value) external {
        _move(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external {
        _take(from, value);
        _move(from, to, value);
    }
}

contract PlainToken is OddToken {
    constructor(string memory symbol_, uint8 decimals_) OddToken(symbol_, decimals_) {}

    function approve(address spender, uint256 value) external returns (bool) {
        _approve(spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external virtual returns (bool) {
        _move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        _take(from, value);
        _move(from, to, value);
        return true;
    }
}

// Keeps a hundredth of every transfer.
contract FeeToken is PlainToken {
    constructor(string memory symbol_, uint8 decimals_) PlainToken(symbol_, decimals_) {}

    function _move(address from, address to, uint256 value) internal override {
        super._move(from, to, value);
        balanceOf[to] -= value / 100;
        balanceOf[address(0xfee)] += value / 100;
    }
}

// Says no instead of reverting.
contract RefusingToken is PlainToken {
    address public refused;

    constructor(string memory symbol_, uint8 decimals_) PlainToken(symbol_, decimals_) {}

    function refuse(address to) external {
        refused = to;
    }

    function transfer(address to, uint256 value) external override returns (bool) {
        if (to == refused) return false;
        _move(msg.sender, to, value);
        return true;
    }
}

// Calls somebody, and keeps what became of it.
contract Caller {
    address public target;
    bytes public data;
    uint256 public tries;
    bool public succeeded;
    bytes4 public reason;

    function aim(address target_, bytes calldata data_) external {
        (target, data, tries, succeeded, reason) = (target_, data_, 0, false, 0);
    }

    function strike() public {
        if (target == address(0)) return;
        tries++;
        (bool ok, bytes memory out) = target.call(data);
        succeeded = succeeded || ok;
        if (!ok && out.length >= 4) reason = bytes4(out);
    }
}

// A token that tells a Caller of every transfer.
contract HookToken is PlainToken {
    Caller public hook;

    constructor(string memory symbol_, uint8 decimals_) PlainToken(symbol_, decimals_) {}

    function listen(Caller hook_) external {
        hook = hook_;
    }

    function _move(address from, address to, uint256 value) internal override {
        super._move(from, to, value);
        if (address(hook) != address(0)) hook.strike();
    }
}

// A token whose transfers take all the gas there is, or revert with 100 kB.
contract BombToken is PlainToken {
    uint256 public mode;

    constructor(string memory symbol_, uint8 decimals_) PlainToken(symbol_, decimals_) {}

    function set(uint256 mode_) external {
        mode = mode_;
    }

    function _move(address from, address to, uint256 value) internal override {
        super._move(from, to, value);
        if (mode == 1) while (true) {}
        if (mode == 2) {
            assembly {
                revert(0, 100000)
            }
        }
    }
}

// A router that is on the list and should not be.
contract EvilRouter is Caller {
    uint256 public mode;

    function set(uint256 mode_) external {
        mode = mode_;
    }

    function swapExactTokensForTokens(uint256 given, uint256 least, address[] calldata path, address to, uint256)
        external
        returns (uint256[] memory amounts)
    {
        PlainToken from = PlainToken(path[0]);
        PlainToken into = PlainToken(path[path.length - 1]);
        if (mode == 0) return amounts; // takes nothing, gives nothing
        if (mode == 1) from.transferFrom(msg.sender, address(this), given);
        if (mode == 2) from.transferFrom(msg.sender, address(this), given + 1);
        if (mode == 3) { // half for a full price
            from.transferFrom(msg.sender, address(this), given / 2);
            into.transfer(to, least);
        }
        if (mode == 4) { // one unit short
            from.transferFrom(msg.sender, address(this), given);
            into.transfer(to, least - 1);
        }
        if (mode == 5) { // as promised, but calls around
            from.transferFrom(msg.sender, address(this), given);
            strike();
            into.transfer(to, least);
        }
    }
}

// A block maker, or a caller that sends orders: takes ether, or not.
contract Purse is Caller {
    uint256 public mode;

    function set(uint256 mode_) external {
        mode = mode_;
    }

    function send(address to, bytes calldata data_) external payable {
        (bool ok, bytes memory out) = to.call{value: msg.value}(data_);
        if (!ok) {
            assembly {
                revert(add(out, 32), mload(out))
            }
        }
    }

    receive() external payable {
        if (mode == 1) revert("no thanks");
        if (mode == 2) strike();
        if (mode == 3) while (true) {}
    }
}
