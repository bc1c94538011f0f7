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
  ] as const)('%j are spelt %j for Clerk', (types, spelling) => {
    expect(toAcceptsToken(types)).toEqual(spelling);
    expect([...tokenTypesOf(toAcceptsToken(types))].sort()).toEqual([...new Set(types)].sort());
  });

  it('knows its own names only', () => {
    expect(TOKEN_TYPES.every(isTokenType)).toBe(true);
    expect([undefined, 'any', 'machine_token', 5].some(isTokenType)).toBe(false);
  });
});
