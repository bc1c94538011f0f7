import { isTokenType, toAcceptsToken, TOKEN_TYPES, type AcceptsToken } from '../authentication/identity/token-types.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';
import { problemsOfLevel, problemsOfPolicy } from './policy-problems.js';
import { handlerOf, isProtectionWord, type PolicyLevel, type Protection, type RoutePolicy } from './route-policy.js';

/** What the module's options say about handlers that say nothing. */
export type PolicyDefaults = Pick<
  ResolvedClerkOptions,
  'protection' | 'treatPendingAsSignedOut' | 'redirectToSignIn' | 'explainDenials' | 'machineOnly'
>;

/** Where a word comes from that neither class nor handler says. */
export const DEFAULT_SOURCE = 'default';

/**
 * Settles what a handler asks for. The nearest word wins for protection and accepted tokens; requirements add up,
 * except that a level that opts out drops those of the levels around it. A requirement implies strict protection.
 *
 * @param levels From the outermost (the base class) to the handler itself.
 */
export function compilePolicy(levels: readonly PolicyLevel[], defaults: PolicyDefaults): RoutePolicy {
  let { protection }: { protection: Protection } = defaults;
  let acceptsToken: AcceptsToken = 'session_token';
  let requirements: RoutePolicy['requirements'] = [];
  const sources = { protection: DEFAULT_SOURCE, acceptsToken: DEFAULT_SOURCE };

  for (const level of levels) {
    const word = strictestOf(level);
    if (word === 'public' || word === 'skip-auth') {
      protection = word === 'public' ? 'lax' : 'skip';
      requirements = [];
    }
    if (word === 'require-auth') protection = 'strict';
    if (word) sources.protection = level.name;
    requirements = [...requirements, ...level.requirements.map((one) => ({ ...one, from: level.name }))];
    const accepted = acceptedBy(level);
    if (accepted) [acceptsToken, sources.acceptsToken] = [accepted, level.name];
  }
  const said = (list: (level: PolicyLevel) => readonly unknown[]) => levels.some((level) => list(level).length > 0);
  const policy = {
    name: handlerOf(levels).name,
    protection,
    acceptsToken,
    allowsPendingSession: !defaults.treatPendingAsSignedOut || said((level) => level.allowPendingSession),
    redirectsToSignIn: defaults.redirectToSignIn || said((level) => level.redirectToSignIn),
    requirements,
    explainsDenials: defaults.explainDenials,
    sources,
  };
  const problems = [...levels.flatMap(problemsOfLevel), ...problemsOfPolicy(policy, levels, defaults)];
  return Object.freeze({ ...policy, problems });
}

/** A contradicting level is reported; should it be asked all the same, its strictest word counts. */
function strictestOf({ protections, requirements }: PolicyLevel): PolicyLevel['protections'][number] | undefined {
  if (requirements.length > 0 || !protections.every(isProtectionWord)) return 'require-auth';
  return (['require-auth', 'public', 'skip-auth'] as const).find((word) => protections.includes(word));
}

function acceptedBy(level: PolicyLevel): AcceptsToken | undefined {
  const said = level.acceptsToken.at(-1);
  if (!said) return undefined;
  const types = said.includes('any') ? TOKEN_TYPES : said.filter(isTokenType);
  return types.length > 0 ? toAcceptsToken(types) : undefined;
}
