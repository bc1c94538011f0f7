import { hasAcceptedAudience, hasAuthorizedParty } from '../../../lib/authentication/identity/claim-rules.js';

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
