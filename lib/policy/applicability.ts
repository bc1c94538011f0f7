import type { TokenType } from '@clerk/backend/internal';

import type { Requirement } from './requirement.js';

type Applicable = Pick<Requirement, 'appliesTo'>;

/** Whether a requirement applies to callers with a token of this type. */
export function appliesToType({ appliesTo }: Applicable, type: TokenType | null): boolean {
  // An unknown token type matches no list. An invalid list is reported at boot, and matches no caller.
  return appliesTo === 'any' || (Array.isArray(appliesTo) && (appliesTo as unknown[]).includes(type));
}

/** Whether a requirement names token types. Only predicates may name none. */
export function namesTypes({ appliesTo }: Applicable): boolean {
  return appliesTo !== 'any';
}

/**
 * Whether some requirement covers callers of this type. A predicate that names no types covers them only if it is the
 * only kind of requirement. Next to a session permission, for example, it narrows what sessions may do, but must not let
 * API keys in.
 */
export function isCovered(requirements: readonly Applicable[], type: TokenType | null): boolean {
  const named = requirements.filter(namesTypes);
  return (named.length > 0 ? named : requirements).some((one) => appliesToType(one, type));
}
