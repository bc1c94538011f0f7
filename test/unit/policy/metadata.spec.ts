import {
  addMetadata,
  addMethodMetadata,
  addParameterMetadata,
  policyDecorator,
  PolicyMetadata,
} from '../../../lib/policy/metadata.js';

const KEY = PolicyMetadata.Requirements;
/** What is said about something itself, not about what it derives from. */
const saidOf = (target: object) => Reflect.getOwnMetadata(KEY, target) as unknown;
const saidAt = (owner: object, name: string | symbol) => Reflect.getOwnMetadata(KEY, owner, name) as unknown;

const named = Symbol('named');
function aClass() {
  return class {
    list() {}
    [named]() {}
    field = 'no method';
  };
}

it('PolicyMetadata has fixed keys, which two copies of the library share', () => {
  expect(PolicyMetadata).toEqual({
    Protection: 'nest-clerk:protection',
    AcceptsToken: 'nest-clerk:accepts-token',
    AllowPendingSession: 'nest-clerk:allow-pending-session',
    RedirectToSignIn: 'nest-clerk:redirect-to-sign-in',
    Requirements: 'nest-clerk:requirements',
    AuthParameters: 'nest-clerk:auth-parameters',
    CurrentUser: 'nest-clerk:current-user',
  });
});

describe('addMetadata() and addMethodMetadata()', () => {
  it.each<[string, unknown, unknown[]]>([
    ['no metadata', undefined, ['b']],
    ['a list', ['a'], ['a', 'b']],
    ['a value that is not a list, which is replaced', 'a', ['b']],
  ])('append a value to %s', (_, said, all) => {
    const Target = aClass();
    if (said !== undefined) {
      Reflect.defineMetadata(KEY, said, Target);
      Reflect.defineMetadata(KEY, said, Target.prototype, 'list');
    }
    addMetadata(KEY, 'b', Target);
    addMethodMetadata(KEY, 'b', Target.prototype, 'list');
    expect([saidOf(Target), saidAt(Target.prototype, 'list')]).toEqual([all, all]);
  });

  it('do not append to the metadata of a base class', () => {
    const Base = aClass();
    class Derived extends Base {}
    addMetadata(KEY, 'base', Base);
    addMethodMetadata(KEY, 'base', Base.prototype, 'list');
    addMetadata(KEY, 'derived', Derived);
    addMethodMetadata(KEY, 'derived', Derived.prototype, 'list');
    expect([saidOf(Base), saidAt(Base.prototype, 'list')]).toEqual([['base'], ['base']]);
    expect([saidOf(Derived), saidAt(Derived.prototype, 'list')]).toEqual([['derived'], ['derived']]);
  });
});

describe('the metadata of a decorator', () => {
  it('is written to the class, together with the guard that requires ClerkGuard', () => {
    const Target = aClass();
    policyDecorator(KEY, 'a')(Target);
    expect(saidOf(Target)).toEqual(['a']);
    expect(Reflect.getOwnMetadataKeys(Target)).toEqual([KEY, '__guards__']);
  });

  it.each(['list', named])('of the method %p is written to the function and to its property', (name) => {
    const { prototype } = aClass();
    policyDecorator(KEY, 'a')(prototype, name, Object.getOwnPropertyDescriptor(prototype, name)!);
    expect([saidOf(Reflect.get(prototype, name) as object), saidAt(prototype, name)]).toEqual([['a'], ['a']]);
    expect(saidOf(prototype)).toBeUndefined();
  });

  it.each(['list', named])('of a parameter of %p is written to the function and to its property', (name) => {
    const { prototype } = aClass();
    addParameterMetadata(KEY, 'a', prototype, name);
    expect([saidOf(Reflect.get(prototype, name) as object), saidAt(prototype, name)]).toEqual([['a'], ['a']]);
  });

  it('of a parameter is not written for a constructor or a property that is not a method', () => {
    const Target = aClass();
    Object.assign(Target.prototype, { undefined() {}, field: 'no method' });
    addParameterMetadata(KEY, 'a', Target.prototype);
    addParameterMetadata(KEY, 'a', Target.prototype, 'field');
    addParameterMetadata(KEY, 'a', Target.prototype, 'missing');
    for (const name of ['undefined', 'field', 'missing']) expect(saidAt(Target.prototype, name)).toBeUndefined();
    expect(saidOf(Reflect.get(Target.prototype, 'undefined') as object)).toBeUndefined();
    expect(Reflect.getOwnMetadataKeys(Target.prototype)).toEqual([]);
  });
});
