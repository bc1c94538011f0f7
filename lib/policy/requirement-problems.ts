import { isTokenType, TOKEN_TYPES } from '../authentication/identity/token-types.js';
import { leavesOf } from './conditions.js';
import type { Condition, HasParams, Requirement } from './requirement.js';

/** The problems of one requirement by itself, each with a fix. */
export function findRequirementProblems(requirement: Requirement): string[] {
  const { decorator } = requirement;
  const problems =
    'condition' in requirement
      ? [...findListProblems(decorator, requirement.condition), ...findConditionProblems(requirement.condition)]
      : [...findPredicateProblems(requirement.predicate), ...findAppliesToProblems(requirement.appliesTo)];
  return [...new Set(problems)].map((problem) => `@${decorator}() ${problem}`);
}

/** Requirements that exclude each other: a member has one role in an organization. */
export function findCombinationProblems(requirements: readonly Requirement[]): string[] {
  const all: Condition = { allOf: requirements.flatMap((one) => ('condition' in one ? one.condition : [])) };
  if (rolesThatFulfil(all)?.size !== 0) return [];
  const roles = new Set(leavesOf(all).flatMap((leaf) => ('has' in leaf ? roleOf(leaf.has) : [])));
  return [
    `the roles ${[...roles].join(' and ')} are required at once, but a member has one role: put them into one anyOf(…), or require permissions.`,
  ];
}

/** The roles with which a condition can be fulfilled; `undefined` if the role does not matter. */
function rolesThatFulfil(condition: Condition): ReadonlySet<string> | undefined {
  if ('has' in condition) {
    const role = roleOf(condition.has);
    return role.length > 0 ? new Set(role) : undefined;
  }
  if ('scope' in condition) return undefined;
  const sets = ('anyOf' in condition ? condition.anyOf : condition.allOf).map(rolesThatFulfil);
  const known = sets.filter((set) => set !== undefined);
  if ('anyOf' in condition)
    return known.length === 0 || known.length < sets.length ? undefined : new Set(known.flatMap((set) => [...set]));
  return known.length === 0
    ? undefined
    : known.reduce((common, set) => new Set([...common].filter((role) => set.has(role))));
}

function roleOf(has: HasParams | undefined | null): string[] {
  const role: unknown = has?.role;
  return typeof role === 'string' ? [`org:${withoutPrefix(role)}`] : [];
}

/** Clerk accepts roles and permissions with and without the prefix. */
const withoutPrefix = (name: string) => name.replace(/^(org:)+/, '');

const ONE_ONLY: Readonly<Record<string, string>> = { RequireRole: 'role', RequirePlan: 'plan' };

function findListProblems(decorator: string, condition: Condition): string[] {
  const kind = ONE_ONLY[decorator];
  if (!kind || !('allOf' in condition) || condition.allOf.length === 0) return [];
  return [`takes one ${kind}, since a caller has only one: write @${decorator}(anyOf(…)) if one of several is enough.`];
}

function findConditionProblems(condition: Condition): string[] {
  if ('anyOf' in condition || 'allOf' in condition) {
    const items = 'anyOf' in condition ? condition.anyOf : condition.allOf;
    if (items.length === 0) return ['requires nothing, so no caller could pass: name at least one right.'];
    return items.flatMap((item) => findConditionProblems(item));
  }
  if ('scope' in condition) return findScopeProblems(condition.scope);
  return findHasProblems(condition.has);
}

/** The characters of a scope (RFC 6749): printable ASCII without space, quote and backslash. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

function findScopeProblems(scope: unknown): string[] {
  return typeof scope === 'string' && SCOPE.test(scope)
    ? []
    : ['takes scopes, single words such as "invoices:write" without spaces and quotes.'];
}

const KNOWN = ['role', 'permission', 'feature', 'plan', 'reverification'];

function findHasProblems(has: unknown): string[] {
  if (typeof has !== 'object' || has === null)
    return [`takes an object with ${KNOWN.join(', ')}, or anyOf(…), allOf(…).`];
  const entries = Object.entries(has).filter(([, value]) => value !== undefined);
  if (entries.length === 0) return [`requires nothing, so no caller could pass: pass one of ${KNOWN.join(', ')}.`];
  return entries.flatMap(([name, value]) => {
    if (!KNOWN.includes(name)) return [`does not accept ${JSON.stringify(name)}: it takes ${KNOWN.join(', ')}.`];
    return name === 'reverification' ? findReverificationProblems(value) : findNameProblems(name, value);
  });
}

const EXAMPLES: Readonly<Record<string, string>> = {
  role: 'org:admin',
  permission: 'org:invoices:read',
  feature: 'org:reports',
  plan: 'user:pro',
};

/** Clerk's has() throws for other scopes, and ignores everything after a second colon. */
const SCOPED_NAME = /^((o|org|organization|u|user):)?[^:]+$/;

function findNameProblems(kind: string, name: unknown): string[] {
  if (typeof name !== 'string' || name.trim() === '') {
    return [`takes ${kind} names, non-empty strings such as "${EXAMPLES[kind]}".`];
  }
  if ((kind === 'feature' || kind === 'plan') && !SCOPED_NAME.test(name)) {
    return [`takes ${kind} names with no prefix other than "org:" or "user:", such as "${EXAMPLES[kind]}".`];
  }
  return kind === 'permission' && withoutPrefix(name).startsWith('sys_')
    ? [
        `requires ${name}: system permissions are never in a session token, so no caller could pass. Use a custom permission.`,
      ]
    : [];
}

const NAMED = ['strict', 'moderate', 'lax', 'strict_mfa'];
const LEVELS = ['first_factor', 'second_factor', 'multi_factor'];

function findReverificationProblems(config: unknown): string[] {
  if (NAMED.includes(config as string)) return [];
  const { level, afterMinutes } = (config ?? {}) as { level?: unknown; afterMinutes?: unknown };
  if (LEVELS.includes(level as string) && typeof afterMinutes === 'number' && afterMinutes > 0) return [];
  return [
    `takes ${NAMED.map((name) => `'${name}'`).join(', ')}, or { level: ${LEVELS.map((name) => `'${name}'`).join(' | ')}, afterMinutes: more than 0 }.`,
  ];
}

function findPredicateProblems(predicate: unknown): string[] {
  if (typeof predicate !== 'function') return ['takes a function, or a class with a check method.'];
  const isClass = /^class\b/.test(Function.prototype.toString.call(predicate));
  return isClass && !isPredicateClass(predicate)
    ? [`takes a class with a check method: add check(auth, context) to ${predicate.name}.`]
    : [];
}

function findAppliesToProblems(appliesTo: unknown): string[] {
  if (appliesTo === 'any') return [];
  const known = TOKEN_TYPES.map((type) => `'${type}'`).join(', ');
  return Array.isArray(appliesTo) && appliesTo.length > 0 && appliesTo.every(isTokenType)
    ? []
    : [`takes { appliesTo: […] } after the predicate, with one or more of ${known}.`];
}

/** Whether a predicate is a class, which has to be instantiated. */
export function isPredicateClass(predicate: unknown): predicate is new (...args: never[]) => { check: unknown } {
  if (typeof predicate !== 'function') return false;
  const { prototype } = predicate as { prototype?: { check?: unknown } };
  return typeof prototype?.check === 'function';
}
