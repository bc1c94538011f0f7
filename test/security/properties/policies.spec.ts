/**
 * For any combination of decorators on a base class, a class and a handler, with arguments that no type allows: either
 * the boot reports it and every caller is denied, or exactly those callers pass that an independent oracle lets pass.
 */
import { Controller, Get, Module, SetMetadata, type Type } from '@nestjs/common';
import { NestFactory, Reflector } from '@nestjs/core';
import fc from 'fast-check';

import { identityForRoute } from '../../../lib/authentication/identity/identity.js';
import {
  TOKEN_TYPES,
  type AcceptsToken as Accepted,
  type TokenType,
} from '../../../lib/authentication/identity/token-types.js';
import {
  AcceptsToken,
  allOf,
  AllowPendingSession,
  anyOf,
  Auth,
  ClerkModule,
  ClerkPolicyError,
  CurrentUser,
  Public,
  RedirectToSignIn,
  Require,
  RequireAuth,
  RequireFeature,
  RequirePermission,
  RequirePlan,
  RequireReverification,
  RequireRole,
  RequireScope,
  RequireThat,
  SkipAuth,
} from '../../../lib/index.js';
import type { PolicyDefaults } from '../../../lib/policy/compile-policy.js';
import { decide } from '../../../lib/policy/decide.js';
import type { PredicateResults } from '../../../lib/policy/decision.js';
import { PolicyMetadata } from '../../../lib/policy/metadata.js';
import { PolicyReader } from '../../../lib/policy/policy.reader.js';
import type { Protection, RoutePolicy } from '../../../lib/policy/route-policy.js';
import { anything, RUNS } from '../../support/hostile.js';
import {
  CALLERS,
  expected,
  OF_SESSIONS,
  RIGHTS,
  type Answered,
  type Asked,
  type Caller,
  type Right,
  type Ways,
} from '../../support/policy-oracle.js';

type Decorator = ClassDecorator & MethodDecorator;

/** A decorator, and what it means. */
interface Decoration {
  readonly decorator: Decorator;
  readonly protection?: 'public' | 'require-auth' | 'skip-auth';
  readonly accepts?: readonly string[];
  readonly asked?: Pick<Asked, 'appliesTo' | 'ways'>;
  readonly predicate?: Answered;
  readonly allowsPending?: true;
  /** Has no meaning and must be reported. */
  readonly isNonsense?: true;
}

// ---- Valid requirements: a tree for the library, the ways to meet it for the oracle.

interface Tree {
  readonly params: unknown;
  readonly ways: Ways;
}
const leaves = fc.constantFrom<Right>(...OF_SESSIONS, 'another permission').map((right): Tree => {
  const { has } = RIGHTS[right] as { has: object };
  return { params: has, ways: [[right]] };
});
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'tree' },
    leaves,
    fc.array(tie('tree'), { maxLength: 3 }).map((items) => ({
      params: anyOf(...items.map(({ params }) => params)),
      ways: items.flatMap(({ ways }) => ways),
    })),
    fc.array(tie('tree'), { maxLength: 3 }).map((items) => ({
      params: allOf(...items.map(({ params }) => params)),
      ways: items.length === 0 ? [] : items.reduce<Ways>((all, { ways }) => product(all, ways), [[]]),
    })),
  ),
}));
const product = (some: Ways, others: Ways): Ways => some.flatMap((one) => others.map((other) => [...one, ...other]));

const SESSIONS: readonly TokenType[] = ['session_token'];
const MACHINES: readonly TokenType[] = ['api_key', 'm2m_token', 'oauth_token'];
const asks = (decorator: unknown, ways: Ways, appliesTo = SESSIONS): Decoration => ({
  decorator: decorator as Decorator,
  asked: { appliesTo, ways },
});
const agrees = () => true;
const objects = () => true;
const silent = () => true;

const REQUIREMENTS: readonly Decoration[] = [
  asks(RequirePermission('org:invoices:read'), [['permission']]),
  asks(RequirePermission('org:invoices:read', 'org:invoices:delete'), [['permission', 'another permission']]),
  asks(RequirePermission(anyOf('org:invoices:read', 'org:invoices:delete')), [['permission'], ['another permission']]),
  asks(RequireRole('org:admin'), [['role']]),
  asks(RequireFeature('org:reports'), [['feature']]),
  asks(RequirePlan('org:pro'), [['plan']]),
  asks(RequireReverification('strict'), [['reverification']]),
  asks(RequireScope('invoices:read'), [['scope']], MACHINES),
  asks(RequireScope('invoices:read', 'invoices:delete'), [['scope', 'another scope']], MACHINES),
  { decorator: RequireThat(agrees) as Decorator, predicate: { predicate: agrees, answer: true } },
  { decorator: RequireThat(objects) as Decorator, predicate: { predicate: objects, answer: false } },
  { decorator: RequireThat(silent) as Decorator, predicate: { predicate: silent, answer: undefined } },
  ...[SESSIONS, MACHINES, ['session_token', 'api_key'] as const].flatMap((appliesTo) =>
    (
      [
        [agrees, true],
        [objects, false],
      ] as const
    ).map(([predicate, answer]): Decoration => {
      const decorator = RequireThat(predicate, { appliesTo: appliesTo as never }) as Decorator;
      return { decorator, predicate: { predicate, answer, appliesTo } };
    }),
  ),
];

// ---- Everything that a level may have.

const types = fc.constantFrom(
  ...[...TOKEN_TYPES, 'any'].map((type) => [type]),
  ...[['session_token', 'api_key'], ['m2m_token', 'oauth_token'], [...TOKEN_TYPES]],
);
/** Arguments that no type allows. */
const NAMES = ['org:sys_memberships:read', 'team:reports', 'org:a:b', ':', 'constructor', ' '];
const smuggled = fc.oneof(anything, fc.constantFrom<unknown>(...NAMES, { anyOf: [undefined] }, { allOf: 'x' }, [[]]));
const taking = [Require, RequirePermission, RequireRole, RequireFeature, RequirePlan, RequireReverification] as const;
/** Arguments that are valid for one of them. */
const LEVELS: readonly unknown[] = ['strict_mfa', 'strict', 'moderate', 'lax'];
const isPromising = (value: unknown) => typeof value === 'function';

const word = fc.constantFrom<Decoration>(
  { decorator: Public(), protection: 'public' },
  { decorator: RequireAuth(), protection: 'require-auth' },
  { decorator: SkipAuth(), protection: 'skip-auth' },
);
const sensible = fc.oneof(
  fc.constantFrom(...REQUIREMENTS),
  tree.map(({ params, ways }) => asks(Require(params as never), ways)),
  types.map((accepts): Decoration => ({ decorator: AcceptsToken(...(accepts as ['any'])), accepts })),
  fc.constant<Decoration>({ decorator: AllowPendingSession(), allowsPending: true }),
  fc.constant<Decoration>({ decorator: RedirectToSignIn() }),
);
const nonsense = fc.oneof(
  // No caller meets these requirements.
  fc
    .tuple(fc.constantFrom(...taking), fc.array(smuggled, { maxLength: 2 }))
    .filter(([, given]) => !LEVELS.includes(given[0]))
    .map(([take, given]) => asks((take as (...args: unknown[]) => unknown)(...given), [])),
  fc.array(smuggled, { maxLength: 2 }).map((given) => asks(RequireScope(...(given as ['x'])), [], MACHINES)),
  smuggled
    .filter((given) => given !== undefined)
    .map((given): Decoration => ({ decorator: RequireThat(agrees, given as never) as Decorator, isNonsense: true })),
  smuggled.map((given): Decoration => {
    const decorator = RequireThat(given as never) as Decorator;
    return isPromising(given)
      ? { decorator, predicate: { predicate: given as () => boolean, answer: undefined } }
      : { decorator, isNonsense: true };
  }),
  fc
    .array(smuggled, { maxLength: 2 })
    .filter((given) => given.length === 0 || given.some((one) => !TOKEN_TYPES.includes(one as TokenType)))
    .filter((given) => given.length !== 1 || given[0] !== 'any')
    .map((given): Decoration => ({ decorator: AcceptsToken(...(given as ['any'])), isNonsense: true })),
  smuggled
    .filter((given) => given !== 'public' && given !== 'require-auth' && given !== 'skip-auth')
    .map((given): Decoration => ({ decorator: SetMetadata(PolicyMetadata.Protection, [given]), isNonsense: true })),
);
const seldom = <T>(often: fc.Arbitrary<T>, rare: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 12, arbitrary: often }, { weight: 1, arbitrary: rare });
const level = seldom(
  fc.tuple(fc.option(word, { nil: undefined }), fc.array(seldom(sensible, nonsense), { maxLength: 2 })),
  fc.tuple(word, fc.array(fc.oneof(word, sensible), { maxLength: 2 })),
).map(([first, more]) => [...(first ? [first] : []), ...more]);

const parameter = fc.oneof(
  { weight: 6, arbitrary: fc.constant(undefined) },
  fc.constantFrom<ParameterDecorator>(Auth(), Auth('userId'), CurrentUser()),
  smuggled.map((property) => Auth(property as 'userId')),
);
const route = fc.record({ levels: fc.tuple(level, level, level), parameter });
type Route = typeof route extends fc.Arbitrary<infer T> ? T : never;
type Levels = readonly (readonly Decoration[])[];

/** A controller with these decorators, outermost first. */
function controllerOf({ levels: [onBase, onClass, onHandler], parameter }: Route): Type {
  class Base {}
  class Thing extends Base {
    handler(_caller?: unknown) {}
  }
  const { prototype } = Thing;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, 'handler')!;
  for (const { decorator } of onBase) decorator(Base);
  for (const { decorator } of onClass) decorator(Thing);
  for (const { decorator } of onHandler) decorator(prototype, 'handler', descriptor);
  parameter?.(prototype, 'handler', 0);
  Get('thing')(prototype, 'handler', descriptor);
  Controller()(Thing);
  return Thing;
}

// ---- The rules of levels, implemented independently of lib/.

interface Due {
  readonly protection: Protection;
  readonly accepted: Accepted;
  readonly asked: readonly Asked[];
  readonly predicates: readonly Answered[];
  readonly allowsPending: boolean;
  /** A level contradicts itself or has no meaning: it must be reported. */
  readonly isWrong: boolean;
}

function dueTo(levels: Levels): Due {
  const requires = (one: Decoration) => one.asked !== undefined || one.predicate !== undefined;
  const wordsOf = (level: readonly Decoration[]) => new Set(level.flatMap(({ protection }) => protection ?? []));
  const optsOut = (level: readonly Decoration[]) =>
    !level.some(requires) && [...wordsOf(level)].some((one) => one !== 'require-auth');
  const innermost = levels.filter((level) => level.some(requires) || wordsOf(level).size > 0).at(-1) ?? [];
  const from = levels.findLastIndex(optsOut);
  const counting = levels.slice(Math.max(from, 0)).flat();
  const accepts = levels.flatMap((level) => level.flatMap((one) => (one.accepts ? [one.accepts] : []))).at(-1);
  const isWrong = levels.some(
    (level) =>
      level.some(({ isNonsense }) => isNonsense) ||
      wordsOf(level).size > 1 ||
      (level.some(requires) && (wordsOf(level).has('public') || wordsOf(level).has('skip-auth'))),
  );
  const nearest = [...wordsOf(innermost)][0];
  return {
    protection: !optsOut(innermost) ? 'strict' : nearest === 'public' ? 'lax' : 'skip',
    accepted: accepts?.[0] === 'any' ? 'any' : ((accepts ?? ['session_token']) as TokenType[]),
    asked: counting.flatMap(({ asked }) => (asked ? [{ ...asked, requirement: REQUIREMENT }] : [])),
    predicates: counting.flatMap(({ predicate }) => predicate ?? []),
    allowsPending: levels.flat().some(({ allowsPending }) => allowsPending),
    isWrong,
  };
}
const REQUIREMENT: Asked['requirement'] = { decorator: '', appliesTo: [], condition: { allOf: [] } };

/** Whether the oracle lets a caller pass. Where pending sessions are allowed, one counts as any other. */
function mayPass(caller: Caller, { protection, accepted, allowsPending, ...asked }: Due): boolean {
  const pending = caller === CALLERS['pending session with all rights'];
  const seen = pending && allowsPending ? { ...caller, always: undefined, type: 'session_token' as const } : caller;
  return expected(seen, protection, accepted, { name: '', ...asked }) === 'allowed';
}

const DEFAULTS: PolicyDefaults = {
  ...{ protection: 'strict' as const, treatPendingAsSignedOut: true, redirectToSignIn: false },
  ...{ explainDenials: false, machineOnly: false },
};
const ANSWERS: PredicateResults = new Map([
  [agrees, true],
  [objects, false],
]);
const passes = (policy: RoutePolicy, { identity }: Caller) =>
  decide(policy, identityForRoute(policy, identity), ANSWERS).allowed;

describe('generated combinations of decorators', () => {
  it('let exactly the callers pass that the oracle expects, or report a problem and let none pass', () => {
    const seen = { sound: 0, reported: 0, passed: 0 };
    fc.assert(
      fc.property(route, (given) => {
        const controller = controllerOf(given);
        const policy = new PolicyReader(new Reflector(), DEFAULTS).read(controller, controller.prototype.handler);
        const due = dueTo(given.levels);
        const isReported = policy.problems.length > 0;
        if (due.isWrong) expect(isReported).toBe(true);
        seen[isReported ? 'reported' : 'sound'] += 1;
        const wrong = Object.entries(CALLERS).filter(([, caller]) => {
          const passed = passes(policy, caller);
          seen.passed += Number(passed && policy.protection === 'strict');
          return passed !== (!isReported && mayPass(caller, due));
        });
        expect(wrong.map(([name]) => name)).toEqual([]);
      }),
      { numRuns: RUNS * 2 },
    );
    // Each kind occurred often enough.
    for (const number of Object.values(seen)) expect(number).toBeGreaterThan(RUNS / 4);
  });

  it('that fail the boot cause a ClerkPolicyError whose problems all name the handler', async () => {
    const keys = { publishableKey: `pk_test_${btoa('blue-owl-1.clerk.accounts.dev$')}`, secretKey: 'sk_test_1' };
    const telemetry = { disabled: true };
    await fc.assert(
      fc.asyncProperty(route, async (given) => {
        const controller = controllerOf(given);
        @Module({ imports: [ClerkModule.forRoot({ ...keys, telemetry })], controllers: [controller] })
        class AppModule {}
        const options = { logger: false, abortOnError: false } as const;
        try {
          const app = await NestFactory.createApplicationContext(AppModule, options);
          const policy = app.get(PolicyReader).read(controller, controller.prototype.handler);
          expect([policy.problems, dueTo(given.levels).isWrong]).toEqual([[], false]);
          await app.close();
        } catch (error) {
          expect(error).toBeInstanceOf(ClerkPolicyError);
          for (const problem of (error as ClerkPolicyError).problems) expect(problem).toContain('Thing.handler: ');
        }
      }),
      { numRuns: Math.ceil(RUNS / 4) },
    );
  });
});
