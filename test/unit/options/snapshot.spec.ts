import { isFlat, isSame, readOwn, snapshotOf } from '../../../lib/options/snapshot.js';

const snapshot = (options: object) => snapshotOf(readOwn(options));

describe('a snapshot of options', () => {
  it('reads every property once, nested ones as well', () => {
    const read: string[] = [];
    const watched = <T extends object>(name: string, target: T): T =>
      new Proxy(target, {
        get: (from, key) => {
          if (typeof key === 'string' && key !== 'length') read.push(`${name}.${key}`);
          return Reflect.get(from, key) as unknown;
        },
      });
    const list = watched('list', ['a', 'b']);
    const nested = watched('nested', { session_token: list });
    expect(snapshot(watched('options', { audience: nested, domain: 'a' }))).toEqual({
      audience: { session_token: ['a', 'b'] },
      domain: 'a',
    });
    expect(read).toEqual(['options.audience', 'options.domain', 'nested.session_token', 'list.0', 'list.1']);
  });

  it('does not change with what it was taken of', () => {
    const options = { audience: { session_token: ['a'] }, authorizedParties: ['b'] };
    const taken = snapshot(options);
    options.audience.session_token[0] = 'x';
    options.authorizedParties.push('y');
    expect(taken).toEqual({ audience: { session_token: ['a'] }, authorizedParties: ['b'] });
    expect(snapshot(taken)).toEqual(taken);
  });

  it.each(['clerkClient', 'rpc', 'transports'])('leaves %s and functions as they are', (name) => {
    const value = { deep: { deeper: [] } };
    const fn = () => undefined;
    const taken = snapshot({ [name]: value, domain: fn, [`${name}s`]: value });
    expect([taken[name] === value, taken.domain === fn, taken[`${name}s`] === value]).toEqual([true, true, false]);
  });

  it('ends where no option is valid any more, so that a cycle does', () => {
    const cyclic: Record<string, unknown> = {};
    Object.assign(cyclic, { cyclic, list: ['a', [cyclic]] });
    const deep = expect.any(Symbol) as symbol;
    expect(snapshot({ audience: cyclic })).toEqual({
      audience: { cyclic: { cyclic: deep, list: deep }, list: ['a', deep] },
    });
    expect(Object.keys(snapshot({ audience: cyclic }).audience as object)).toEqual(['cyclic', 'list']);
    // What is nested as deep as an option may be is still read.
    expect(snapshot({ verificationCache: { machineTokens: { ttl: 5 } } })).toEqual({
      verificationCache: { machineTokens: { ttl: 5 } },
    });
  });

  it('keeps what a copy would lose from being overlooked', () => {
    class Audience {
      get session_token() {
        return 'web';
      }
    }
    const { audience } = snapshot({ audience: new Audience() });
    expect('session_token' in (audience as object)).toBe(true);
    const hidden = snapshot({ audience: Object.defineProperty({}, 'session_token', { value: 'web' }) });
    expect('session_token' in (hidden.audience as object)).toBe(true);
    expect(Object.keys(hidden.audience as object)).toEqual([]);
    expect(snapshot(Object.defineProperty({ domain: 'a' }, 'audience', { value: 'web' }))).toEqual({ domain: 'a' });
  });

  it('holds a list with holes, and what is no object of options, as they are', () => {
    const map = new Map();
    expect(snapshot({ authorizedParties: new Array(2), audience: map, domain: null })).toEqual({
      authorizedParties: [undefined, undefined],
      audience: map,
      domain: null,
    });
  });

  it('takes a property named __proto__ for a property', () => {
    const taken = snapshot(JSON.parse('{"__proto__": {"domain": "a"}, "audience": {"__proto__": "b"}}') as object);
    expect(Object.keys(taken)).toEqual(['__proto__', 'audience']);
    expect(Object.keys(taken.audience as object)).toEqual(['__proto__']);
    expect(taken.domain).toBeUndefined();
  });
});

describe('isSame', () => {
  const base = { domain: 'a', clockSkewInMs: 0 };
  it.each<[string, object, boolean]>([
    ['the same properties', { ...base }, true],
    ['another value', { ...base, domain: 'b' }, false],
    ['-0 instead of 0', { ...base, clockSkewInMs: -0 }, false],
    ['another order', { clockSkewInMs: 0, domain: 'a' }, false],
    ['one more', { ...base, audience: undefined }, false],
    ['one less', { domain: 'a' }, false],
    ['another name', { domains: 'a', clockSkewInMs: 0 }, false],
    ['a hidden one more', Object.defineProperty({ ...base }, 'audience', { value: 'a' }), false],
    ['one of them hidden', Object.defineProperty({ ...base }, 'domain', { enumerable: false }), false],
    ['another prototype', Object.assign(Object.create({}) as object, base), false],
  ])('of an object with %s', (_, other, expected) => {
    expect(isSame(readOwn(base), readOwn(other))).toBe(expected);
    expect(isSame(readOwn(other), readOwn(base))).toBe(expected);
    expect(isSame(readOwn(other), readOwn(other))).toBe(true);
  });
});

describe('isFlat', () => {
  it.each<[string, object, boolean]>([
    ['plain values', { a: 'a', b: 1, c: null, d: undefined, e: Symbol('e') }, true],
    ['functions and a client', { domain: () => 'a', clerkClient: { a: 1 } }, true],
    ['no prototype', Object.assign(Object.create(null) as object, { a: 1 }), true],
    ['a list', { audience: [] }, false],
    ['an object', { audience: {} }, false],
    [
      'a class',
      new (class {
        domain = 'a';
      })(),
      false,
    ],
  ])('of an object with %s', (_, object, expected) => {
    expect(isFlat(readOwn(object))).toBe(expected);
  });
});
