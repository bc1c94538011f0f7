import type { AuthObject } from '@clerk/backend';

import type { Condition, HasParams, Requirement, ReverificationConfig } from './requirement.js';

/**
 * Whether a caller fulfils a condition. Uses Clerk's own `has()`, except for scopes, which are a plain list.
 * @param supposing With `reverified`, as if the caller had just verified all factors again.
 */
export function fulfils(condition: Condition, auth: AuthObject, supposing: { reverified?: boolean } = {}): boolean {
  if ('anyOf' in condition) return condition.anyOf.some((item) => fulfils(item, auth, supposing));
  // An empty condition is a mistake, and never fulfilled.
  if ('allOf' in condition) {
    return condition.allOf.length > 0 && condition.allOf.every((item) => fulfils(item, auth, supposing));
  }
  if ('scope' in condition) {
    const { scopes } = auth as { scopes?: unknown };
    return Array.isArray(scopes) && scopes.includes(condition.scope);
  }
  if (!supposing.reverified || condition.has.reverification === undefined) return has(auth, condition.has);
  const { reverification: _, ...others } = condition.has;
  return Object.values(others).every((value) => value === undefined) || has(auth, others as HasParams);
}

/** Cast, because `has` of a signed-out or machine object takes no arguments; it always returns false. */
function has(auth: AuthObject, params: HasParams): boolean {
  return (auth.has as (params: HasParams) => boolean)(params) === true;
}

/** The reverification that is all a caller lacks to fulfil a condition; the first one if there are several. */
export function reverificationOf(condition: Condition, auth: AuthObject): ReverificationConfig | undefined {
  if (fulfils(condition, auth) || !fulfils(condition, auth, { reverified: true })) return undefined;
  if ('has' in condition) return condition.has.reverification;
  const items = 'anyOf' in condition ? condition.anyOf : 'allOf' in condition ? condition.allOf : [];
  return items.map((item) => reverificationOf(item, auth)).find((config) => config !== undefined);
}

/** All scopes in a condition. */
export function scopesOf(condition: Condition): string[] {
  return leavesOf(condition).flatMap((leaf) => ('scope' in leaf ? [leaf.scope] : []));
}

type Leaf = Exclude<Condition, { anyOf: unknown } | { allOf: unknown }>;

export function leavesOf(condition: Condition): Leaf[] {
  if ('anyOf' in condition) return condition.anyOf.flatMap(leavesOf);
  if ('allOf' in condition) return condition.allOf.flatMap(leavesOf);
  return [condition];
}

/** A condition as text: `permission org:invoices:create`, `any of (role org:admin, plan org:pro)`. */
export function describeCondition(condition: Condition): string {
  if ('anyOf' in condition) return `any of (${condition.anyOf.map(describeCondition).join(', ')})`;
  if ('allOf' in condition) return condition.allOf.map(describePart).join(' and ');
  if ('scope' in condition) return `scope ${condition.scope}`;
  return Object.entries(condition.has)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' and ');
}

const describePart = (condition: Condition): string =>
  'allOf' in condition && condition.allOf.length > 1
    ? `(${describeCondition(condition)})`
    : describeCondition(condition);

/** A requirement as text, for the protection map, the log and `missing`. */
export function describeRequirement(requirement: Requirement): string {
  return 'condition' in requirement
    ? describeCondition(requirement.condition)
    : `that ${requirement.predicate.name || 'an unnamed function'} agrees`;
}
