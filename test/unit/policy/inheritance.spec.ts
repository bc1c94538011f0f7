/**
 * What abstract base controllers and mixins add up to: every word of protection on every level, told by an oracle that
 * walks from the outermost level to the nearest.
 */
import 'reflect-metadata';

import { Reflector } from '@nestjs/core';

import { Public, RequireAuth, RequirePermission, SkipAuth } from '../../../lib/index.js';
import { PolicyReader } from '../../../lib/policy/policy.reader.js';

const WORDS = ['nothing', '@Public()', '@RequireAuth()', '@SkipAuth()', '@RequirePermission()'] as const;
type Word = (typeof WORDS)[number];
type Fallback = 'strict' | 'lax';
type ClassOf = abstract new (...args: any[]) => { list(): unknown };

/** Says a word about a class or a method; the permission tells where it was said. */
function say(word: Word, level: string): ClassDecorator & MethodDecorator {
  if (word === '@Public()') return Public();
  if (word === '@RequireAuth()') return RequireAuth();
  if (word === '@SkipAuth()') return SkipAuth();
  return word === '@RequirePermission()' ? RequirePermission(`org:said:${level}`) : () => undefined;
}

function reader(protection: Fallback) {
  const options = { treatPendingAsSignedOut: true, redirectToSignIn: false, explainDenials: false, machineOnly: false };
  return new PolicyReader(new Reflector(), { protection, ...options });
}

function policyOf(type: ClassOf, protection: Fallback = 'strict') {
  const { list } = type.prototype as { list: () => unknown };
  return reader(protection).read(type as new () => object, list);
}

function read(type: ClassOf, fallback: Fallback) {
  const { name, protection, requirements, problems } = policyOf(type, fallback);
  const demands = requirements.map((one) =>
    'condition' in one && 'has' in one.condition
      ? String((one.condition.has as { permission?: string }).permission).replace('org:said:', '')
      : 'something else',
  );
  return { name, protection, demands, problems };
}

/** The decorators of all levels, from the outermost to the method. */
type Said = readonly (readonly [level: string, word: Word])[];

/** The rules implemented a second time: the innermost decorator wins, requirements add up, and opting out drops outer ones. */
function expected(said: Said, fallback: Fallback) {
  const words = said.filter(([, word]) => word !== 'nothing');
  const nearest = words.at(-1)?.[1];
  const optOut = words.findLastIndex(([, word]) => word === '@Public()' || word === '@SkipAuth()');
  const inForce = words.slice(optOut + 1);
  const protection =
    nearest === undefined ? fallback : nearest === '@Public()' ? 'lax' : nearest === '@SkipAuth()' ? 'skip' : 'strict';
  return {
    protection,
    demands: inForce.filter(([, word]) => word === '@RequirePermission()').map(([level]) => level),
    problems: [],
  };
}

function expectRead(type: ClassOf, said: Said) {
  for (const fallback of ['strict', 'lax'] as const) {
    expect(read(type, fallback)).toEqual({ name: `${type.name}.list`, ...expected(said, fallback) });
  }
}

const pairs = WORDS.flatMap((a) => WORDS.map((b) => [a, b] as const));
const triples = pairs.flatMap(([a, b]) => WORDS.map((c) => [a, b, c] as const));

describe('the policy of a controller without a base class', () => {
  it.each(pairs)('follows from %s on the class and %s on the method', (onClass, onMethod) => {
    @say(onClass, 'class')
    class Plain {
      @say(onMethod, 'method') list() {}
    }
    expectRead(Plain, [
      ['class', onClass],
      ['method', onMethod],
    ]);
  });
});

describe('the policy of a controller with an abstract base class', () => {
  describe.each(WORDS)('that has %s', (onBase) => {
    it.each(pairs)(
      'follows from %s on the inherited or overridden method and %s on the subclass',
      (onMethod, onDerived) => {
        @say(onBase, 'base')
        abstract class Base {
          @say(onMethod, 'method') list() {}
        }
        @say(onDerived, 'derived')
        class Inheriting extends Base {}
        expectRead(Inheriting, [
          ['base', onBase],
          ['derived', onDerived],
          ['method', onMethod],
        ]);
        // The policy of the base class does not depend on its subclasses.
        expectRead(Base, [
          ['base', onBase],
          ['method', onMethod],
        ]);

        for (const onOverride of WORDS) {
          @say(onDerived, 'derived')
          class Overriding extends Base {
            @say(onOverride, 'override') override list() {}
          }
          // The decorators of the overridden method do not count.
          expectRead(Overriding, [
            ['base', onBase],
            ['derived', onDerived],
            ['override', onOverride],
          ]);
        }
      },
    );
  });

  it.each(triples)('follows from %s, %s and %s on three generations of classes', (first, second, third) => {
    @say(first, 'first')
    abstract class First {
      list() {}
    }
    @say(second, 'second')
    abstract class Second extends First {}
    @say(third, 'third')
    class Third extends Second {}
    expectRead(Third, [
      ['first', first],
      ['second', second],
      ['third', third],
    ]);
    expectRead(Second, [
      ['first', first],
      ['second', second],
    ]);
    expectRead(First, [['first', first]]);
  });
});

describe('the policy of a mixin', () => {
  /** A mixin as applications write it: a function that returns a class with the given base class. */
  function Listing(onMixin: Word, onMethod: Word, Base: new () => object = class {}) {
    @say(onMixin, 'mixin')
    class Mixed extends Base {
      @say(onMethod, 'method') list() {}
    }
    return Mixed;
  }

  it.each(triples)(
    'follows from %s on the mixin, %s on its method and %s on the class that extends it',
    (onMixin, onMethod, onTop) => {
      @say(onTop, 'top')
      class Top extends Listing(onMixin, onMethod) {}
      expectRead(Top, [
        ['mixin', onMixin],
        ['top', onTop],
        ['method', onMethod],
      ]);
    },
  );

  it.each(triples)(
    'follows from %s on its base class, %s on the mixin and %s on its method',
    (onBase, onMixin, onMethod) => {
      @say(onBase, 'base')
      class Base {}
      expectRead(Listing(onMixin, onMethod, Base), [
        ['base', onBase],
        ['mixin', onMixin],
        ['method', onMethod],
      ]);
    },
  );

  it.each(pairs)('is not shared by two classes that one mixin makes with %s and %s', (one, other) => {
    const [A, B] = [Listing(one, other), Listing(other, one)];
    // One reader reads both: its cache must not confuse them.
    const shared = reader('strict');
    for (const [Mixed, onMixin, onMethod] of [
      [A, one, other],
      [B, other, one],
      [A, one, other],
    ] as const) {
      const { protection, requirements } = shared.read(Mixed, Mixed.prototype.list);
      const due = expected(
        [
          ['mixin', onMixin],
          ['method', onMethod],
        ],
        'strict',
      );
      expect({ protection, count: requirements.length }).toEqual({
        protection: due.protection,
        count: due.demands.length,
      });
    }
  });
});

describe('two protection decorators on one level', () => {
  const said = WORDS.filter((word) => word !== 'nothing');
  const contradicting = said.flatMap((a) =>
    said
      .filter((b) => a !== b && ![a, b].every((word) => word === '@RequireAuth()' || word === '@RequirePermission()'))
      .map((b) => [a, b] as const),
  );
  const once = [expect.stringContaining('contradict each other')];

  it.each(contradicting)('are reported for %s and %s on a method, a class or a base class', (a, b) => {
    class OnMethod {
      @say(a, 'a') @say(b, 'b') list() {}
    }
    @say(a, 'a')
    @say(b, 'b')
    abstract class OnClass {
      list() {}
    }
    class Derived extends OnClass {}
    class Overriding extends OnClass {
      override list() {}
    }
    expect(policyOf(OnMethod).problems).toEqual(once);
    for (const type of [OnClass, Derived, Overriding]) {
      expect(policyOf(type).problems).toEqual(once);
      expect(policyOf(type).problems[0]).toMatch(/^on the class OnClass, /);
    }
  });

  it.each(contradicting)('are not reported for %s and %s on an overridden method', (a, b) => {
    abstract class Base {
      @say(a, 'a') @say(b, 'b') list() {}
    }
    class Derived extends Base {
      override list() {}
    }
    expectRead(Derived, []);
  });

  it('are not reported for @RequireAuth() and a requirement', () => {
    class Both {
      @RequireAuth() @RequirePermission('org:said:method') list() {}
    }
    expectRead(Both, [['method', '@RequirePermission()']]);
  });
});
