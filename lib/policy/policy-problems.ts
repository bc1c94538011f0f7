import { isTokenType, TOKEN_TYPES, tokenTypesOf } from '../authentication/identity/token-types.js';
import { appliesToType, isCovered, namesTypes } from './applicability.js';
import { AUTH_PROPERTIES } from './auth-properties.js';
import { findCombinationProblems, findRequirementProblems } from './requirement-problems.js';
import { handlerOf, isProtection, type PolicyLevel, type Protection, type RoutePolicy } from './route-policy.js';

const DECORATOR_OF: Record<Protection, string> = {
  strict: '@RequireAuth()',
  lax: '@Public()',
  skip: '@SkipAuth()',
};

/** The problems of the decorators of one class or handler, each with a fix. */
export function findLevelProblems(level: PolicyLevel): string[] {
  const { requirements } = level;
  const protections = [...new Set(level.protections.filter(isProtection))];
  const names = protections.map((protection) => DECORATOR_OF[protection]);
  const optOut = protections.find((protection) => protection !== 'strict');
  const problems: string[] = [];

  if (!level.protections.every(isProtection)) {
    problems.push('unknown protection metadata: two versions of nest-clerk are loaded; use one version everywhere.');
  }
  if (protections.length > 1) problems.push(`${names.join(' and ')} contradict each other: keep one of them.`);
  const [first] = requirements;
  if (optOut && first) {
    problems.push(
      `${DECORATOR_OF[optOut]} and @${first.decorator}() contradict each other: remove one. A requirement needs no @RequireAuth().`,
    );
  }
  problems.push(...findAcceptsTokenProblems(level.acceptsToken));
  problems.push(...requirements.flatMap(findRequirementProblems));
  return level.isClass ? problems.map((problem) => `on the class ${level.name}, ${problem}`) : problems;
}

type CheckedPolicy = Pick<RoutePolicy, 'protection' | 'acceptsToken' | 'requirements'>;

/** The problems of a handler that show only when all levels are combined. */
export function findPolicyProblems(
  policy: CheckedPolicy,
  levels: readonly PolicyLevel[],
  { machineOnly }: { readonly machineOnly: boolean },
): string[] {
  const handler = handlerOf(levels);
  const problems: string[] = [];
  if (policy.protection === 'skip') {
    if (levels.some((level) => level.authParameters.length > 0)) {
      problems.push(
        '@Auth() is always empty on a @SkipAuth() handler, which does not check credentials: use @Public() instead of @SkipAuth().',
      );
    }
    if (handler.acceptsToken.length > 0) {
      problems.push(
        '@AcceptsToken() has no effect on a @SkipAuth() handler, which does not check credentials: add @RequireAuth() to the handler, or remove @AcceptsToken().',
      );
    }
  }
  if (machineOnly && policy.protection === 'strict' && policy.acceptsToken !== 'm2m_token') {
    problems.push(
      "only machineSecretKey is set, which verifies nothing but M2M tokens: add @AcceptsToken('m2m_token'), or set secretKey and publishableKey.",
    );
  }
  if (
    handler.allowPendingSession.length > 0 &&
    (policy.protection === 'skip' || !tokenTypesOf(policy.acceptsToken).includes('session_token'))
  ) {
    problems.push(
      '@AllowPendingSession() has no effect on a handler that accepts no sessions: remove it, or accept session_token.',
    );
  }
  problems.push(...findCombinationProblems(policy.requirements), ...findParameterProblems(policy, handler));
  return [...problems, ...findTypeProblems(policy)];
}

/** Accepted token types that no requirement covers, although there are requirements. */
function findTypeProblems({ acceptsToken, requirements }: CheckedPolicy): string[] {
  const accepted = tokenTypesOf(acceptsToken);
  const uncovered = accepted.filter((type) => !isCovered(requirements, type));
  const named = requirements.filter(namesTypes);
  const types = TOKEN_TYPES.filter((type) => named.some((one) => appliesToType(one, type)));
  // If no known type is named, that mistake is reported instead.
  if (types.length === 0 || uncovered.length === 0) return [];
  const decorators = [...new Set(named.map(({ decorator }) => `@${decorator}()`))].join(', ');
  const problem =
    `no requirement applies to the accepted token type${uncovered.length > 1 ? 's' : ''} ${uncovered.join(', ')}: ` +
    `${decorators} can only be fulfilled by ${types.join(', ')}`;
  if (named.length === requirements.length) return [`${problem}. Narrow @AcceptsToken(), or split the handler.`];
  const list = accepted.map((type) => `'${type}'`).join(', ');
  return [
    `${problem}, and @RequireThat() counts beside it only for token types that it names. Narrow @AcceptsToken(), split ` +
      `the handler, or name the types that the predicate is meant for: @RequireThat(…, { appliesTo: [${list}] }).`,
  ];
}

/** Problems of `@Auth('…')` and `@CurrentUser()` with the token types that the handler accepts. */
function findParameterProblems({ protection, acceptsToken }: CheckedPolicy, handler: PolicyLevel): string[] {
  const { authParameters, currentUser } = handler;
  const types = tokenTypesOf(acceptsToken);
  const accepted = types.join(', ');
  const known = (property: string) => types.some((type) => (AUTH_PROPERTIES[type] as string[]).includes(property));
  const unknown = authParameters.filter((property) => property !== undefined && !known(property));
  const problems = unknown.map(
    (property) =>
      `@Auth(${quote(property, "'")}) is always empty: no accepted token (${accepted}) has it. Accept another token, or select another property.`,
  );
  if (currentUser.length > 0 && protection === 'skip') {
    problems.push(
      '@CurrentUser() is always empty on a @SkipAuth() handler, which does not check credentials: use @Public() instead of @SkipAuth().',
    );
  } else if (currentUser.length > 0 && !known('userId')) {
    problems.push(
      `@CurrentUser() is always empty: no accepted token (${accepted}) belongs to a user. Accept session_token as well.`,
    );
  }
  return problems;
}

function findAcceptsTokenProblems(applied: PolicyLevel['acceptsToken']): string[] {
  if (applied.length > 1) return ['@AcceptsToken() is applied twice: list all types in one decorator.'];
  const known = [...TOKEN_TYPES, 'any'].map((type) => `'${type}'`).join(', ');
  return applied.flatMap((types) => {
    if (types.length === 0) return [`@AcceptsToken() names no token type: name one or more of ${known}.`];
    if (types.includes('any') && types.length > 1)
      return [`@AcceptsToken('any') includes every type: remove the others.`];
    return types
      .filter((type) => type !== 'any' && !isTokenType(type))
      .map((type) =>
        type === 'machine_token'
          ? "@AcceptsToken('machine_token') uses an old name: write 'm2m_token'."
          : `@AcceptsToken() does not accept ${quote(type)}: it takes ${known}.`,
      );
  });
}

/** Values of other types may not be convertible to a string. */
function quote(value: unknown, mark = '"'): string {
  return typeof value === 'string' ? mark + value + mark : typeof value;
}
