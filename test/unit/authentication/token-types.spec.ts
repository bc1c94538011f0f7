import {
  isTokenType,
  toAcceptsToken,
  TOKEN_TYPES,
  tokenTypesOf,
} from '../../../lib/authentication/identity/token-types.js';

describe('token types', () => {
  it.each([
    [['m2m_token'], 'm2m_token'],
    [['m2m_token', 'm2m_token'], 'm2m_token'],
    [
      ['api_key', 'session_token'],
      ['session_token', 'api_key'],
    ],
    [[...TOKEN_TYPES], 'any'],
  ] as const)('toAcceptsToken() converts %j to %j, and tokenTypesOf() converts it back', (types, expected) => {
    expect(toAcceptsToken(types)).toEqual(expected);
    expect([...tokenTypesOf(toAcceptsToken(types))].sort()).toEqual([...new Set(types)].sort());
  });

  it('isTokenType() accepts the names of the token types only', () => {
    expect(TOKEN_TYPES.every(isTokenType)).toBe(true);
    expect([undefined, 'any', 'machine_token', 5].some(isTokenType)).toBe(false);
  });
});
