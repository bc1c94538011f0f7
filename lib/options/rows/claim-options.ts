import { boolean, fields, listOfStrings, milliseconds, nonEmptyString, type Check } from '../option-checks.js';
import { option } from '../option-row.js';
import { origins } from '../origin-checks.js';

/** The accepted values of the `aud` claim, for each type of JWT. */
export interface AudienceByTokenType {
  session_token?: string | string[] | undefined;
  m2m_token?: string | string[] | undefined;
  oauth_token?: string | string[] | undefined;
}

const stringOrList: Check<string | string[]> = (value) =>
  typeof value === 'string' ? nonEmptyString(value) : listOfStrings(value);

const byTokenType = fields<AudienceByTokenType>({
  session_token: stringOrList,
  m2m_token: stringOrList,
  oauth_token: stringOrList,
});

const audience: Check<string | string[] | AudienceByTokenType> = (value) =>
  typeof value === 'string' || Array.isArray(value) ? stringOrList(value) : byTokenType(value);

/** A string or a list, as Clerk takes it, applies to session tokens. */
function audienceByTokenType(
  given: string | string[] | AudienceByTokenType | undefined,
): Readonly<AudienceByTokenType> {
  return typeof given === 'string' || Array.isArray(given) ? { session_token: given } : { ...given };
}

/** The claims that a token must have. */
export const CLAIM_OPTIONS = {
  /**
   * The origins whose frontends may call: the `azp` claim of a session token must be one of them. Protects against
   * cookies leaked to a sibling subdomain. Does not apply to machine tokens, which carry no `azp`.
   *
   * Origins are compared literally, as browsers send them: scheme, host in lowercase (punycode), and the port unless it
   * is the default one. Patterns are not supported. Custom schemes (`chrome-extension://…`, `tauri://localhost`) are
   * origins too. `null` is not accepted, since every sandboxed frame has it.
   *
   * An `X-Forwarded-Host` that makes one of the module's origins counts as the host of the request, even if the
   * application trusts no proxy.
   * @example
   * ```ts
   * ClerkModule.forRoot({ authorizedParties: ['https://app.example.com', 'http://localhost:3000'] });
   * ```
   */
  authorizedParties: option({ scope: 'request', check: origins }),

  /**
   * Accepts session tokens without `azp` although `authorizedParties` is set, for instances whose cookie tokens lack it.
   * @default false
   */
  allowMissingAzp: option({ scope: 'request', default: false, check: boolean }),

  /**
   * The accepted values of the `aud` claim. A string or list applies to session tokens, an object to each type of JWT.
   * As with Clerk, a token without `aud` passes unless `requireAudience` is set.
   * @example
   * ```ts
   * ClerkModule.forRoot({ audience: { session_token: 'web', m2m_token: ['billing', 'reports'] } });
   * ```
   */
  audience: option({ scope: 'request', check: audience, resolve: audienceByTokenType }),

  /**
   * Denies session tokens without `aud` where an `audience` is set for them.
   * @default false
   */
  requireAudience: option({ scope: 'request', default: false, check: boolean }),

  /**
   * The tolerated clock difference to Clerk, in milliseconds.
   * @default 5000
   */
  clockSkewInMs: option({ scope: 'request', default: 5_000, check: milliseconds(0) }),
};
