import {
  hasAcceptedAudience,
  hasAuthorizedParty,
  verifyClaims,
} from '../../../lib/authentication/identity/claim-rules.js';

describe('hasAcceptedAudience()', () => {
  it.each<[unknown, unknown, boolean, boolean]>([
    // audience, aud, requireAudience, expected
    [undefined, undefined, true, true],
    [undefined, 'web', true, true],
    [[], 'web', true, true],
    ['web', undefined, false, true],
    ['web', undefined, true, false],
    ['web', 'web', true, true],
    ['web', 'other', false, false],
    [['web', 'mobile'], 'mobile', false, true],
    [['web', 'mobile'], 'webmobile', false, false],
    ['web', ['other', 'web'], true, true],
    ['web', ['other'], true, false],
    ['web', [], true, false],
    ['web', [''], true, false],
    ['web', '', true, false],
    ['web', null, true, false],
    ['web', null, false, false],
    ['web', { web: true }, true, false],
    ['web', [['web']], true, false],
  ])('with audience %j, aud %j and requireAudience %s, returns %s', (audience, aud, requireAudience, expected) => {
    expect(hasAcceptedAudience(aud, { audience: { session_token: audience }, requireAudience } as never)).toBe(
      expected,
    );
  });
});

describe('hasAuthorizedParty()', () => {
  const ORIGIN = 'https://a.example';

  it.each<[string[] | undefined, unknown, boolean, boolean]>([
    // authorizedParties, azp, allowMissingAzp, expected
    [undefined, 'https://evil.example', false, true],
    [undefined, undefined, false, true],
    [[], 'https://evil.example', false, true],
    [[ORIGIN], ORIGIN, false, true],
    [['https://b.example', ORIGIN], ORIGIN, false, true],
    [[ORIGIN], 'https://evil.example', false, false],
    [[ORIGIN], 'https://evil.example', true, false],
    [[ORIGIN], 'https://a.example.evil', true, false],
    [[ORIGIN], undefined, false, false],
    [[ORIGIN], undefined, true, true],
    [[ORIGIN], '', false, false],
    [[ORIGIN], '', true, true],
    [[ORIGIN], null, false, false],
    [[ORIGIN], [ORIGIN], true, false],
    [[ORIGIN], true, true, false],
  ])(
    'with authorizedParties %j, azp %j and allowMissingAzp %s, returns %s',
    (parties, azp, allowMissingAzp, expected) => {
      expect(hasAuthorizedParty(azp, { authorizedParties: parties, allowMissingAzp })).toBe(expected);
    },
  );
});

describe('verifyClaims()', () => {
  const NOW = 1_000_000_000;
  const OPTIONS = { clockSkewInMs: 5_000, audience: {}, requireAudience: false, allowMissingAzp: false } as never;
  const CLAIMS = { sub: 'user_1', sid: 'sess_1', exp: 1_000_060 };
  const VALID = 'valid';

  /** `valid`, Clerk's reason, or `undefined` if Clerk must decide. */
  const verify = (claims: object, options: object = {}) => {
    const verification = verifyClaims({ ...CLAIMS, ...claims }, { ...(OPTIONS as object), ...options } as never, NOW);
    if (!verification) return undefined;
    return 'claims' in verification ? VALID : verification.reason;
  };

  it('returns the claims of a valid session', () => {
    expect(verifyClaims(CLAIMS, OPTIONS, NOW)).toEqual({ claims: CLAIMS });
  });

  it.each<[object, string | undefined]>([
    [{}, VALID],
    // exp, with the clock skew
    [{ exp: 999_996 }, VALID],
    [{ exp: 999_995 }, 'token-expired'],
    [{ exp: -1 }, 'token-expired'],
    [{ exp: undefined }, undefined],
    [{ exp: '1000060' }, undefined],
    [{ exp: 1_000_060.5 }, undefined],
    [{ exp: 8e12 }, undefined],
    [{ exp: 8e12 - 1 }, VALID],
    [{ exp: Infinity }, undefined],
    // nbf and iat, with the clock skew
    ...(
      [
        ['nbf', 'token-not-active-yet'],
        ['iat', 'token-iat-in-the-future'],
      ] as const
    ).flatMap(([claim, reason]): [object, string | undefined][] => [
      [{ [claim]: 1_000_005 }, VALID],
      [{ [claim]: 1_000_006 }, reason],
      [{ [claim]: null }, undefined],
      [{ [claim]: '1' }, undefined],
      [{ [claim]: -8e12 }, undefined],
      [{ [claim]: -8e12 + 1 }, VALID],
    ]),
    // What only Clerk accepts or rejects
    [{ sub: undefined }, undefined],
    [{ sub: 5 }, undefined],
    [{ sid: undefined }, undefined],
    [{ sid: '' }, undefined],
    [{ sid: ['sess_1'] }, undefined],
    [{ sid: undefined, exp: 1 }, 'token-expired'],
  ])('for the claims %j at 1,000,000 s with 5 s of clock skew, returns %s', (claims, expected) => {
    expect(verify(claims)).toBe(expected);
  });

  it.each<[unknown, unknown, boolean, string | undefined]>([
    // audience, aud, requireAudience, expected
    [undefined, undefined, false, VALID],
    [undefined, undefined, true, VALID],
    [undefined, 'a', true, VALID],
    [[], 'a', true, VALID],
    ['a', undefined, false, VALID],
    ['a', undefined, true, 'token-verification-failed'],
    ['a', 'a', false, VALID],
    ['a', 'a', true, VALID],
    ['a', 'b', false, 'token-verification-failed'],
    [['a', 'b'], 'b', false, VALID],
    [['a', 'b'], 'ab', false, 'token-verification-failed'],
    // Clerk decides about a list of audiences.
    ['a', ['a'], false, undefined],
    ['a', '', false, undefined],
    [[5], 5, false, undefined],
  ])('with audience %j, aud %j and requireAudience %s, returns %s', (audience, aud, requireAudience, expected) => {
    expect(verify({ aud }, { audience: { session_token: audience }, requireAudience })).toBe(expected);
  });

  it.each<[unknown, unknown, boolean, string | undefined]>([
    // authorizedParties, azp, allowMissingAzp, expected
    [undefined, 'https://evil.example', false, VALID],
    [[], 'https://evil.example', false, VALID],
    [['https://a.example'], 'https://a.example', false, VALID],
    [['https://a.example', 'https://b.example'], 'https://b.example', false, VALID],
    [['https://a.example'], 'https://evil.example', false, 'token-invalid-authorized-parties'],
    [['https://a.example'], 'https://evil.example', true, 'token-invalid-authorized-parties'],
    [['https://a.example'], undefined, false, 'token-invalid-authorized-parties'],
    [['https://a.example'], undefined, true, VALID],
    [['https://a.example'], '', true, undefined],
    [[5], 5, true, undefined],
  ])(
    'with authorizedParties %j, azp %j and allowMissingAzp %s, returns %s',
    (authorizedParties, azp, allowMissingAzp, expected) => {
      expect(verify({ azp }, { authorizedParties, allowMissingAzp })).toBe(expected);
    },
  );

  it.each<[string, object, object, string]>([
    ['an audience before an azp', { aud: 'b', azp: 'b' }, {}, 'token-verification-failed'],
    ['an azp before the expiry', { azp: 'b', exp: 1 }, {}, 'token-invalid-authorized-parties'],
    ['the expiry before nbf', { exp: 1, nbf: 2_000_000 }, {}, 'token-expired'],
    ['nbf before iat', { nbf: 2_000_000, iat: 2_000_000 }, {}, 'token-not-active-yet'],
    ['the expiry before a missing audience', { exp: 1 }, { requireAudience: true }, 'token-expired'],
    ['the expiry before an azp that may be missing', { azp: 'b', exp: 1 }, { allowMissingAzp: true }, 'token-expired'],
  ])('checks %s, as Clerk does', (_, claims, options, expected) => {
    const all = { audience: { session_token: 'a' }, authorizedParties: ['a'], ...options };
    expect(verify({ azp: 'a', ...claims }, all)).toBe(expected);
  });
});
