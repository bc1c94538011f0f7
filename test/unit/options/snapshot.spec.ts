import { isFlat, isSame, readOwn, snapshotOf } from '../../../lib/options/snapshot.js';

const snapshot = (options: object) => snapshotOf(readOwn(options));

describe('snapshotOf()', () => {
  it('reads every property exactly once, including nested ones', () => {
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

  it('returns a copy that does not change when the options are modified later', () => {
    const options = { audience: { session_token: ['a'] }, authorizedParties: ['b'] };
    const taken = snapshot(options);
    options.audience.session_token[0] = 'x';
    options.authorizedParties.push('y');
    expect(taken).toEqual({ audience: { session_token: ['a'] }, authorizedParties: ['b'] });
    expect(snapshot(taken)).toEqual(taken);
  });

  it.each(['clerkClient', 'rpc', 'transports'])('does not copy %s or functions, but copies other objects', (name) => {
    const value = { deep: { deeper: [] } };
    const fn = () => undefined;
    const taken = snapshot({ [name]: value, domain: fn, [`${name}s`]: value });
    expect([taken[name] === value, taken.domain === fn, taken[`${name}s`] === value]).toEqual([true, true, false]);
  });

  it('replaces values nested deeper than any valid option, so that cyclic options terminate', () => {
    const cyclic: Record<string, unknown> = {};
    Object.assign(cyclic, { cyclic, list: ['a', [cyclic]] });
    const deep = expect.any(Symbol) as symbol;
    expect(snapshot({ audience: cyclic })).toEqual({
      audience: { cyclic: { cyclic: deep, list: deep }, list: ['a', deep] },
    });
    expect(Object.keys(snapshot({ audience: cyclic }).audience as object)).toEqual(['cyclic', 'list']);
    // The deepest nesting of a valid option is still copied.
    expect(snapshot({ verificationCache: { machineTokens: { ttl: 5 } } })).toEqual({
      verificationCache: { machineTokens: { ttl: 5 } },
    });
  });

  it('keeps inherited and non-enumerable properties of nested objects visible, so that validation can reject them', () => {
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

  it('fills holes of a list with undefined, and keeps a Map and null as they are', () => {
    const map = new Map();
    expect(snapshot({ authorizedParties: new Array(2), audience: map, domain: null })).toEqual({
      authorizedParties: [undefined, undefined],
      audience: map,
      domain: null,
    });
  });

  it('copies a property named __proto__ as a plain property, without setting the prototype', () => {
    const taken = snapshot(JSON.parse('{"__proto__": {"domain": "a"}, "audience": {"__proto__": "b"}}') as object);
    expect(Object.keys(taken)).toEqual(['__proto__', 'audience']);
    expect(Object.keys(taken.audience as object)).toEqual(['__proto__']);
    expect(taken.domain).toBeUndefined();
  });
});

describe('isSame()', () => {
  const base = { domain: 'a', clockSkewInMs: 0 };
  it.each<[string, object, boolean]>([
    ['true for objects with the same properties', { ...base }, true],
    ['false for a property with another value', { ...base, domain: 'b' }, false],
    ['false for -0 instead of 0', { ...base, clockSkewInMs: -0 }, false],
    ['false for the properties in another order', { clockSkewInMs: 0, domain: 'a' }, false],
    ['false for an additional property', { ...base, audience: undefined }, false],
    ['false for a missing property', { domain: 'a' }, false],
    ['false for another property name', { domains: 'a', clockSkewInMs: 0 }, false],
    [
      'false for an additional non-enumerable property',
      Object.defineProperty({ ...base }, 'audience', { value: 'a' }),
      false,
    ],
    [
      'false for one property made non-enumerable',
      Object.defineProperty({ ...base }, 'domain', { enumerable: false }),
      false,
    ],
    ['false for another prototype', Object.assign(Object.create({}) as object, base), false],
  ])('returns %s, in either order of the arguments', (_, other, expected) => {
    expect(isSame(readOwn(base), readOwn(other))).toBe(expected);
    expect(isSame(readOwn(other), readOwn(base))).toBe(expected);
    expect(isSame(readOwn(other), readOwn(other))).toBe(true);
  });
});

describe('isFlat()', () => {
  it.each<[string, object, boolean]>([
    ['true for an object with primitive values', { a: 'a', b: 1, c: null, d: undefined, e: Symbol('e') }, true],
    ['true for an object with functions and a client', { domain: () => 'a', clerkClient: { a: 1 } }, true],
    ['true for an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 }), true],
    ['false for an object with a list', { audience: [] }, false],
    ['false for an object with a nested object', { audience: {} }, false],
    [
      'false for an instance of a class',
      new (class {
        domain = 'a';
      })(),
      false,
    ],
  ])('returns %s', (_, object, expected) => {
    expect(isFlat(readOwn(object))).toBe(expected);
  });
});
