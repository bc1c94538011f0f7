import type { Authenticator } from '../../../lib/authentication/lanes/authenticator.js';
import type { Identity } from '../../../lib/authentication/identity/identity.js';
import type { AcceptsToken, TokenType } from '../../../lib/authentication/identity/token-types.js';
import {
  attachedIdentity,
  attachedUserLoader,
  attachIdentity,
  hasAttached,
  authenticateOnce,
} from '../../../lib/transports/attachment.js';

const identityOf = (tokenType: TokenType | null) => ({ tokenType }) as Identity;
const loader = { load: () => Promise.reject(new Error('nobody asks')) };

function frozenWithIdentity(): object {
  const request = {};
  attachIdentity(request, identityOf('session_token'));
  return Object.freeze(request);
}

describe('the state attached to a request', () => {
  it('is one property, under a symbol that all copies of this library share', () => {
    const [request, identity] = [{}, identityOf('session_token')];
    expect([hasAttached(request), attachedIdentity(request), attachedUserLoader(request)]).toEqual([
      false,
      undefined,
      undefined,
    ]);
    attachIdentity(request, identity, loader);
    expect(hasAttached(request)).toBe(true);
    expect(attachedIdentity(request)).toBe(identity);
    expect(attachedUserLoader(request)).toBe(loader);
    expect(Reflect.ownKeys(request)).toEqual([Symbol.for('nest-clerk:attached')]);
  });

  it.each<[string, (request: object) => object]>([
    ['copied', (request) => ({ ...request })],
    ['assigned to another object', (request) => Object.assign(Object.create({}) as object, request)],
    ['derived from', (request) => Object.create(request) as object],
    ['wrapped in a Proxy', (request) => new Proxy(request, {})],
  ])('is not shared with a request that was %s', (_, copied) => {
    const [request, first, second] = [{ url: '/' }, identityOf('session_token'), identityOf('api_key')];
    attachIdentity(request, first, loader);
    const copy = copied(request);
    expect([hasAttached(copy), attachedIdentity(copy), attachedUserLoader(copy)]).toEqual([
      false,
      undefined,
      undefined,
    ]);
    expect(attachIdentity(copy, second)).toBe(true);
    expect([attachedIdentity(copy), attachedIdentity(request)]).toEqual([second, first]);
    expect(attachedUserLoader(request)).toBe(loader);
  });

  it.each<[string, object]>([
    ['is frozen', Object.freeze({})],
    ['takes no more properties', Object.seal({})],
    ['is a Proxy that refuses', new Proxy({}, { set: () => false })],
    ['derives from a frozen one that has an identity', Object.create(frozenWithIdentity()) as object],
  ])('is not stored if the request %s, and attachIdentity() returns false', (_, request) => {
    expect(attachIdentity(request, identityOf('session_token'))).toBe(false);
    expect([hasAttached(request), attachedIdentity(request)]).toEqual([false, undefined]);
  });

  it('is replaced as a whole by a second identity', () => {
    const request = {};
    attachIdentity(request, identityOf('session_token'), loader);
    attachIdentity(request, undefined);
    expect([hasAttached(request), attachedIdentity(request), attachedUserLoader(request)]).toEqual([
      true,
      undefined,
      undefined,
    ]);
  });
});

describe('authenticateOnce', () => {
  const [one, another] = [{}, {}] as [Authenticator, Authenticator];

  /** Asks these questions of one request; answers which of them went through to the authenticator. */
  async function asked(...questions: [Authenticator, AcceptsToken, TokenType | null][]): Promise<number[]> {
    const request = {};
    const through: number[] = [];
    for (const [at, [authenticator, acceptsToken, found]] of questions.entries()) {
      const answer = await authenticateOnce(request, authenticator, acceptsToken, () => {
        through.push(at);
        return identityOf(found);
      });
      expect(answer.tokenType).toBe(found);
    }
    return through;
  }

  it.each<[string, [Authenticator, AcceptsToken, TokenType | null][], number[]]>([
    [
      'the same',
      [
        [one, 'session_token', null],
        [one, 'session_token', null],
      ],
      [0],
    ],
    [
      'other types',
      [
        [one, 'session_token', null],
        [one, 'api_key', 'api_key'],
      ],
      [0, 1],
    ],
    [
      'the same list of types',
      [
        [one, ['api_key', 'm2m_token'], null],
        [one, ['api_key', 'm2m_token'], null],
      ],
      [0],
    ],
    [
      'another instance',
      [
        [one, 'session_token', null],
        [another, 'session_token', 'session_token'],
      ],
      [0, 1],
    ],
    [
      'all of these once more',
      [
        [one, 'api_key', null],
        [another, 'api_key', 'api_key'],
        [one, 'm2m_token', 'm2m_token'],
        [one, 'api_key', null],
        [another, 'api_key', 'api_key'],
        [one, 'm2m_token', 'm2m_token'],
      ],
      [0, 1, 2],
    ],
    [
      'one of any types, before',
      [
        [one, 'any', 'api_key'],
        [one, 'api_key', 'api_key'],
      ],
      [0],
    ],
    [
      'any types of a list, before',
      [
        [one, 'any', 'api_key'],
        [one, ['api_key', 'm2m_token'], 'api_key'],
      ],
      [0],
    ],
    [
      'another than was found',
      [
        [one, 'any', 'api_key'],
        [one, 'session_token', null],
      ],
      [0, 1],
    ],
    [
      'nobody found',
      [
        [one, 'any', null],
        [one, 'session_token', null],
      ],
      [0, 1],
    ],
    [
      'nobody found, twice',
      [
        [one, 'any', null],
        [one, 'session_token', null],
        [one, 'session_token', null],
      ],
      [0, 1],
    ],
    [
      'any types of another instance',
      [
        [another, 'any', 'api_key'],
        [one, 'api_key', 'api_key'],
      ],
      [0, 1],
    ],
    [
      'any types, twice',
      [
        [one, 'any', null],
        [one, 'any', null],
      ],
      [0],
    ],
  ] as [string, [Authenticator, AcceptsToken, TokenType | null][], number[]][])(
    'asks once for %s',
    async (_, questions, through) => {
      expect(await asked(...questions)).toEqual(through);
    },
  );

  it('authenticates a copy of a request again', () => {
    const request = { headers: {} };
    const [first, second] = [identityOf('session_token'), identityOf('session_token')];
    expect(authenticateOnce(request, one, 'session_token', () => first)).toBe(first);
    expect(authenticateOnce({ ...request }, one, 'session_token', () => second)).toBe(second);
    expect(authenticateOnce(new Proxy(request, {}), one, 'session_token', () => second)).toBe(second);
    expect(authenticateOnce(request, one, 'session_token', () => second)).toBe(first);
  });

  it('returns the result of the authenticator itself, without a promise if it is synchronous', () => {
    const [request, identity] = [{}, identityOf(null)];
    expect(authenticateOnce(request, one, 'session_token', () => identity)).toBe(identity);
    expect(authenticateOnce(request, one, 'session_token', () => identityOf(null))).toBe(identity);
  });

  it('authenticates once for concurrent calls, even if the cached result for any token type does not apply', async () => {
    const request = {};
    let asked = 0;
    const ask = async () => (asked++, identityOf(null));
    await authenticateOnce(request, one, 'any', ask);
    const calls = (acceptsToken: AcceptsToken) =>
      Array.from({ length: 20 }, async () => authenticateOnce(request, one, acceptsToken, ask));
    await Promise.all([...calls('api_key'), ...calls('session_token')]);
    expect(asked).toBe(3);
  });

  it('does not authenticate twice at the same time', () => {
    const [request, answer] = [{}, Promise.resolve(identityOf(null))];
    expect(authenticateOnce(request, one, 'session_token', () => answer)).toBe(answer);
    expect(authenticateOnce(request, one, 'session_token', () => identityOf(null))).toBe(answer);
  });
});
