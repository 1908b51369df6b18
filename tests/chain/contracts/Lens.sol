// SPDX-License-Identifier: Apache-2.0
// Reads many accounts in one call: tests only.
pragma solidity ^0.8.20;

interface IPoolView {
    function getUserAccountData(address user)
        external
        view
        returns (uint256 collateral, uint256 debt, uint256 available, uint256 threshold, uint256 ltv, uint256 health);
    function getUserConfiguration(address user) external view returns (uint256);
    function getUserEMode(address user) external view returns (uint256);
}

interface IScaled {
    function scaledBalanceOf(address user) external view returns (uint256);
}

contract Lens {
    // Three words each: collateral, debt (base currency), health factor.
    function data(IPoolView pool, address[] calldata users) external view returns (uint256[] memory out) {
        out = new uint256[](3 * users.length);
        for (uint256 i = 0; i < users.length; i++)
            (out[3 * i], out[3 * i + 1], , , , out[3 * i + 2]) = pool.getUserAccountData(users[i]);
    }

    // Two words each: configuration bitmap, eMode.
    function settings(IPoolView pool, address[] calldata users) external view returns (uint256[] memory out) {
        out = new uint256[](2 * users.length);
        for (uint256 i = 0; i < users.length; i++) {
            out[2 * i] = pool.getUserConfiguration(users[i]);
            out[2 * i + 1] = pool.getUserEMode(users[i]);
        }
    }

    // One word for each user and token: all tokens of the first user, then of the next.
    function scaled(IScaled[] calldata tokens, address[] calldata users) external view returns (uint256[] memory out) {
        out = new uint256[](tokens.length * users.length);
        for (uint256 i = 0; i < users.length; i++)
            for (uint256 t = 0; t < tokens.length; t++)
                out[i * tokens.length + t] = tokens[t].scaledBalanceOf(users[i]);
    }
}
