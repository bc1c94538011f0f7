/** The organization part of a session. */
export interface OrganizationClaims {
  readonly id: string;
  readonly slug: string;
  /** With or without its `org:` prefix. */
  readonly role: string;
  /** Custom permissions, `org:<feature>:<name>`. */
  readonly permissions: readonly string[];
}

/** The contents of a session token besides the registered claims. */
export interface SessionClaimsInput {
  readonly organization?: OrganizationClaims;
  /** Features of the active organization (`name` or `org:name`) or the user (`user:name`). */
  readonly features?: readonly string[];
  /** Billing plans, written like features. */
  readonly plans?: readonly string[];
  readonly status: string;
  /** Minutes since the first and second factor were verified; -1 for never. */
  readonly factorVerificationAge: readonly [number, number];
  readonly actor?: object | null;
}

/**
 * The claims of a version 2 session token. Permissions are packed: `o.per` lists the permission names, and `o.fpm` has,
 * for every organization feature of `fea` in turn, a bit mask over them, the first name in the lowest bit. System
 * permissions (`org:sys_…`) are never in a token.
 *
 * @see https://clerk.com/docs/guides/sessions/session-tokens
 */
export function sessionClaims(input: SessionClaimsInput): Record<string, unknown> {
  const { organization, actor } = input;
  const custom = organization?.permissions.filter((permission) => !permission.startsWith('org:sys_'));
  const granted = (custom ?? []).map((permission) => {
    const [feature = '', ...name] = permission.replace(/^org:/, '').split(':');
    return { feature, name: name.join(':') };
  });
  const features = scoped([...granted.map(({ feature }) => `org:${feature}`), ...(input.features ?? [])]);
  const names = [...new Set(granted.map(({ name }) => name))];
  const masks = features
    .filter(({ scope }) => scope.includes('o'))
    .map(({ id }) =>
      names.reduce(
        (mask, name, bit) =>
          granted.some((one) => one.feature === id && one.name === name) ? mask | (1n << BigInt(bit)) : mask,
        0n,
      ),
    );
  return {
    v: 2,
    sts: input.status,
    fva: input.factorVerificationAge,
    ...(actor ? { act: actor } : {}),
    ...(features.length > 0 ? { fea: formatScoped(features) } : {}),
    ...(input.plans ? { pla: formatScoped(scoped(input.plans)) } : {}),
    ...(organization
      ? {
          o: {
            id: organization.id,
            slg: organization.slug,
            rol: organization.role.replace(/^org:/, ''),
            ...(names.length > 0 ? { per: names.join(','), fpm: masks.join(',') } : {}),
          },
        }
      : {}),
  };
}

interface Scoped {
  readonly scope: string;
  readonly id: string;
}

/** Adds Clerk's scope letters to names: `o` for the organization, `u` for the user. */
function scoped(names: readonly string[]): Scoped[] {
  const all = names.map((name) => {
    const [prefix, id] = name.includes(':') ? (name.split(':') as [string, string]) : ['org', name];
    return { scope: prefix.startsWith('u') ? 'u' : 'o', id };
  });
  return all.filter(
    ({ scope, id }, index) => all.findIndex((other) => other.scope === scope && other.id === id) === index,
  );
}

function formatScoped(names: readonly Scoped[]): string {
  return names.map(({ scope, id }) => `${scope}:${id}`).join(',');
}
