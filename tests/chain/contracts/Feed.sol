// SPDX-License-Identifier: Apache-2.0
// Price feeds in the shape that Chainlink's have: consumers read a proxy, which passes reads on to its present
// aggregator. The aggregator emits the events; replacing it emits none. Anyone may set prices: tests only.
pragma solidity ^0.8.20;

contract Aggregator {
    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);
    event NewRound(uint256 indexed roundId, address indexed startedBy, uint256 startedAt);

    uint8 public immutable decimals;
    string public description;
    uint256 public latestRound;
    int256 public latestAnswer;
    uint256 public latestTimestamp;

    constructor(uint8 decimals_, string memory description_, int256 answer) {
        decimals = decimals_;
        description = description_;
        set(answer);
    }

    function set(int256 answer) public {
        latestRound++;
        latestAnswer = answer;
        latestTimestamp = block.timestamp;
        emit NewRound(latestRound, msg.sender, block.timestamp);
        emit AnswerUpdated(answer, latestRound, block.timestamp);
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        uint80 round = uint80(latestRound);
        return (round, latestAnswer, latestTimestamp, latestTimestamp, round);
    }
}

contract FeedProxy {
    Aggregator public aggregator;
    Aggregator public proposedAggregator;
    uint16 public phaseId;
    address public immutable owner;

    error NotTheProposed();

    constructor(Aggregator first) {
        owner = msg.sender;
        _take(first);
    }

    function proposeAggregator(Aggregator next) external {
        proposedAggregator = next;
    }

    function confirmAggregator(Aggregator next) external {
        if (next != proposedAggregator) revert NotTheProposed();
        delete proposedAggregator;
        _take(next);
    }

    function decimals() external view returns (uint8) {
        return aggregator.decimals();
    }

    function description() external view returns (string memory) {
        return aggregator.description();
    }

    function latestAnswer() external view returns (int256) {
        return aggregator.latestAnswer();
    }

    function latestTimestamp() external view returns (uint256) {
        return aggregator.latestTimestamp();
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        (uint80 round, int256 answer, uint256 begun, uint256 at, uint80 answered) = aggregator.latestRoundData();
        uint80 phase = uint80(phaseId) << 64;
        return (phase | round, answer, begun, at, phase | answered);
    }

    function _take(Aggregator next) private {
        phaseId++;
        aggregator = next;
    }
}

// Several answers in one transaction.
contract Reporter {
    function report(Aggregator[] calldata feeds, int256[] calldata answers) external {
        for (uint256 i = 0; i < feeds.length; i++) feeds[i].set(answers[i]);
    }
}
