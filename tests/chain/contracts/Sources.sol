// SPDX-License-Identifier: Apache-2.0
// Price adapters as Aave's oracle meets them, written from their formulas, and aggregators that take OCR reports
// without looking at signatures. Anyone may set everything: tests only.
pragma solidity ^0.8.20;

interface IAnswer {
    function latestAnswer() external view returns (int256);
    function decimals() external view returns (uint8);
}

contract RatioProvider {
    int256 public rate;

    constructor(int256 first) {
        rate = first;
    }

    function set(int256 next) external {
        rate = next;
    }
}

// The shape of a capped ratio; what is derived from it says how the cap grows and where the ratio comes from.
abstract contract Capped {
    IAnswer public immutable BASE_TO_USD_AGGREGATOR;
    address public immutable RATIO_PROVIDER;
    uint8 public immutable RATIO_DECIMALS;
    uint256 public getSnapshotRatio;
    uint256 public getSnapshotTimestamp;
    uint256 internal yearly; // basis points

    event CapParametersUpdated(uint256 snapshotRatio, uint256 snapshotTimestamp, uint256 yearly);

    constructor(IAnswer base, address provider, uint8 ratioDecimals) {
        (BASE_TO_USD_AGGREGATOR, RATIO_PROVIDER, RATIO_DECIMALS) = (base, provider, ratioDecimals);
    }

    function setCap(uint256 ratio, uint256 timestamp, uint256 yearlyGrowth) external {
        (getSnapshotRatio, getSnapshotTimestamp, yearly) = (ratio, timestamp, yearlyGrowth);
        emit CapParametersUpdated(ratio, timestamp, yearlyGrowth);
    }

    function getRatio() public view virtual returns (int256);
    function cap() public view virtual returns (uint256);

    function decimals() external view returns (uint8) {
        return BASE_TO_USD_AGGREGATOR.decimals();
    }

    function latestAnswer() public view virtual returns (int256) {
        int256 ratio = getRatio();
        int256 base = BASE_TO_USD_AGGREGATOR.latestAnswer();
        if (base <= 0 || ratio <= 0) return 0;
        int256 most = int256(cap());
        return base * (ratio < most ? ratio : most) / int256(10 ** RATIO_DECIMALS);
    }
}

contract CappedRatio is Capped {
    constructor(IAnswer base, address provider, uint8 d) Capped(base, provider, d) {}

    function getRatio() public view override returns (int256) {
        return RatioProvider(RATIO_PROVIDER).rate();
    }

    function getMaxRatioGrowthPerSecondScaled() public view returns (uint256) {
        return getSnapshotRatio * yearly * 1e6 / 1e4 / 365 days;
    }

    function getMaxRatioGrowthPerSecond() external view returns (uint256) {
        return getMaxRatioGrowthPerSecondScaled() / 1e6;
    }

    function cap() public view override returns (uint256) {
        return getSnapshotRatio + getMaxRatioGrowthPerSecondScaled() * (block.timestamp - getSnapshotTimestamp) / 1e6;
    }
}

// The first generation rounds its growth to whole units a second; the ratio comes from a feed.
contract CappedRatioFeed is Capped {
    constructor(IAnswer base, address provider, uint8 d) Capped(base, provider, d) {}

    function getRatio() public view override returns (int256) {
        return IAnswer(RATIO_PROVIDER).latestAnswer();
    }

    function getMaxRatioGrowthPerSecond() public view returns (uint256) {
        return getSnapshotRatio * yearly / 1e4 / 365 days;
    }

    function cap() public view override returns (uint256) {
        return getSnapshotRatio + getMaxRatioGrowthPerSecond() * (block.timestamp - getSnapshotTimestamp);
    }
}

// Answers the getters of a capped ratio, but computes something else.
contract Impostor is CappedRatio {
    int256 public off;

    constructor(IAnswer base, address provider, uint8 d) CappedRatio(base, provider, d) {}

    function setOff(int256 by) external {
        off = by;
    }

    function latestAnswer() public view override returns (int256) {
        return super.latestAnswer() + off;
    }
}

contract CappedStable {
    IAnswer public immutable ASSET_TO_USD_AGGREGATOR;
    int256 public getPriceCap;

    event PriceCapUpdated(int256 cap);

    constructor(IAnswer asset, int256 cap) {
        (ASSET_TO_USD_AGGREGATOR, getPriceCap) = (asset, cap);
    }

    function setPriceCap(int256 cap) external {
        getPriceCap = cap;
        emit PriceCapUpdated(cap);
    }

    function decimals() external view returns (uint8) {
        return ASSET_TO_USD_AGGREGATOR.decimals();
    }

    function latestAnswer() external view returns (int256) {
        int256 price = ASSET_TO_USD_AGGREGATOR.latestAnswer();
        if (price > getPriceCap) return getPriceCap;
        return price <= 0 ? int256(0) : price;
    }
}

contract FixedPrice {
    int256 public price;

    constructor(int256 first) {
        price = first;
    }

    // Without an event: only reading finds it.
    function setPrice(int256 next) external {
        price = next;
    }

    function latestAnswer() external view returns (int256) {
        return price;
    }
}

contract ProductPrice {
    IAnswer public immutable ASSET_TO_PEG;
    IAnswer public immutable PEG_TO_BASE;
    uint8 public immutable DECIMALS;

    constructor(IAnswer asset, IAnswer peg, uint8 d) {
        (ASSET_TO_PEG, PEG_TO_BASE, DECIMALS) = (asset, peg, d);
    }

    function latestAnswer() external view returns (int256) {
        int256 asset = ASSET_TO_PEG.latestAnswer();
        int256 peg = PEG_TO_BASE.latestAnswer();
        if (asset <= 0 || peg <= 0) return 0;
        return asset * peg * int256(10 ** DECIMALS) / int256(10 ** (ASSET_TO_PEG.decimals() + PEG_TO_BASE.decimals()));
    }
}

// A kind that nobody has a model of: a discount that shrinks with time.
contract Discounted {
    IAnswer private immutable base;
    uint256 private immutable end;

    constructor(IAnswer base_, uint256 end_) {
        (base, end) = (base_, end_);
    }

    function latestAnswer() external view returns (int256) {
        uint256 left = block.timestamp < end ? end - block.timestamp : 0;
        return base.latestAnswer() * int256(1e10 - left) / 1e10;
    }
}

contract Fallback {
    mapping(address => uint256) public getAssetPrice;

    function set(address asset, uint256 price) external {
        getAssetPrice[asset] = price;
    }
}

contract Sentinel {
    bool public isLiquidationAllowed = true;

    function set(bool allowed) external {
        isLiquidationAllowed = allowed;
    }
}

// An aggregator of the off-chain reporting protocol without its signatures.
contract OcrAggregator {
    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    uint8 public immutable decimals;
    uint256 public latestRound;
    int256 public latestAnswer;
    uint40 private last;

    error StaleReport();

    constructor(uint8 decimals_, int256 first) {
        decimals = decimals_;
        latestAnswer = first;
    }

    function _take(uint40 epochAndRound, int192[] memory observations) private {
        if (epochAndRound <= last) revert StaleReport();
        last = epochAndRound;
        latestAnswer = observations[observations.length / 2];
        latestRound++;
        emit AnswerUpdated(latestAnswer, latestRound, block.timestamp);
    }

    function transmit(bytes calldata report, bytes32[] calldata, bytes32[] calldata, bytes32) external {
        (bytes32 context,, int192[] memory observations) = abi.decode(report, (bytes32, bytes32, int192[]));
        _take(uint40(uint256(context)), observations);
    }

    function transmit(bytes32[3] calldata context, bytes calldata report, bytes32[] calldata, bytes32[] calldata, bytes32)
        external
    {
        (,, int192[] memory observations,) = abi.decode(report, (uint32, bytes32, int192[], int192));
        _take(uint40(uint256(context[1])), observations);
    }
}

contract Forwarder {
    function forward(address to, bytes calldata data) external {
        (bool ok,) = to.call(data);
        require(ok);
    }
}
