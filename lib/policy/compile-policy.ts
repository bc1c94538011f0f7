import { isTokenType, toAcceptsToken, TOKEN_TYPES, type AcceptsToken } from '../authentication/identity/token-types.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';
import { findLevelProblems, findPolicyProblems } from './policy-problems.js';
import { handlerOf, isProtection, type PolicyLevel, type Protection, type RoutePolicy } from './route-policy.js';

/** The module options that apply to handlers without decorators of their own. */
export type PolicyDefaults = Pick<
  ResolvedClerkOptions,
  'protection' | 'treatPendingAsSignedOut' | 'redirectToSignIn' | 'explainDenials' | 'machineOnly'
>;

/** The source of a setting that neither the class nor the handler decides. */
export const DEFAULT_SOURCE = 'default';

/**
 * Compiles the decorators of a handler and its classes into one policy. The innermost decorator wins for protection and
 * accepted tokens. Requirements add up, but a level that opts out drops those of the levels around it. A requirement
 * implies strict protection.
 *
 * @param levels From the outermost (the base class) to the handler itself.
 */
export function compilePolicy(levels: readonly PolicyLevel[], defaults: PolicyDefaults): RoutePolicy {
  let { protection }: { protection: Protection } = defaults;
  let acceptsToken: AcceptsToken = 'session_token';
  let requirements: RoutePolicy['requirements'] = [];
  const sources = { protection: DEFAULT_SOURCE, acceptsToken: DEFAULT_SOURCE };

  for (const level of levels) {
    const own = strictestOf(level);
    if (own) [protection, sources.protection] = [own, level.name];
    if (own === 'lax' || own === 'skip') requirements = [];
    requirements = [...requirements, ...level.requirements.map((one) => ({ ...one, from: level.name }))];
    const accepted = acceptedBy(level);
    if (accepted) [acceptsToken, sources.acceptsToken] = [accepted, level.name];
  }
  const has = (list: (level: PolicyLevel) => readonly unknown[]) => levels.some((level) => list(level).length > 0);
  const policy = {
    name: handlerOf(levels).name,
    protection,
    acceptsToken,
    allowsPendingSession: !defaults.treatPendingAsSignedOut || has((level) => level.allowPendingSession),
    redirectsToSignIn: defaults.redirectToSignIn || has((level) => level.redirectToSignIn),
    requirements,
    explainsDenials: defaults.explainDenials,
    sources,
  };
  const problems = [...levels.flatMap(findLevelProblems), ...findPolicyProblems(policy, levels, defaults)];
  return Object.freeze({ ...policy, problems });
}

/** Whether decorators, and not only the default, require a signed-in caller. */
export function isStrictByDecorator({ protection, sources }: RoutePolicy): boolean {
  return protection === 'strict' && (sources.protection !== DEFAULT_SOURCE || sources.acceptsToken !== DEFAULT_SOURCE);
}

/** Contradicting decorators are reported as a problem; until then the strictest one counts. */
function strictestOf({ protections, requirements }: PolicyLevel): Protection | undefined {
  if (requirements.length > 0 || !protections.every(isProtection)) return 'strict';
  return (['strict', 'lax', 'skip'] as const).find((one) => protections.includes(one));
}

function acceptedBy(level: PolicyLevel): AcceptsToken | undefined {
  const listed = level.acceptsToken.at(-1);
  if (!listed) return undefined;
  const types = listed.includes('any') ? TOKEN_TYPES : listed.filter(isTokenType);
  return types.length > 0 ? toAcceptsToken(types) : undefined;
}
