import type { TokenType } from '@clerk/backend/internal';

import type { Requirement } from './requirement.js';

type Applicable = Pick<Requirement, 'appliesTo'>;

/** Whether callers with a token of this type are held to a requirement. */
export function appliesToType({ appliesTo }: Applicable, type: TokenType | null): boolean {
  // A type that nobody knows is one of none, though all are listed; a list that is none is reported, and lets nobody in.
  return appliesTo === 'any' || (Array.isArray(appliesTo) && (appliesTo as unknown[]).includes(type));
}

/** Whether a requirement says which token types it is meant for. Only a predicate may leave that open. */
export function namesTypes({ appliesTo }: Applicable): boolean {
  return appliesTo !== 'any';
}

/**
 * Whether a caller of this type is held to a requirement that is meant for it. A predicate that names no types is one
 * where nothing else is asked of anybody; beside a permission of sessions, say, it narrows what those may do, and is no
 * reason to let API keys in.
 */
export function isCovered(requirements: readonly Applicable[], type: TokenType | null): boolean {
  const named = requirements.filter(namesTypes);
  return (named.length > 0 ? named : requirements).some((one) => appliesToType(one, type));
}
