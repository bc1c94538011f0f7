import { idOf, newId, randomText } from './ids.js';
import type { MachineTokenKind, NewMachineToken } from './machine-tokens.js';
import { sessionClaims } from './session-claims.js';
import type { SigningKeys } from './signing-keys.js';
import type { Store } from './store.js';
import type {
  ApiKeyOptions,
  FormattedTokenOptions,
  IssuedApiKey,
  IssuedMachineToken,
  M2MTokenOptions,
  OAuthTokenOptions,
  SessionTokenOptions,
  TemplateTokenOptions,
  TokenOptions,
} from './token-options.js';

/** The `cat` values of the protected header, by which Clerk distinguishes its JWTs. */
const CATEGORY = {
  session: 'cl_B7d4PD111AAA',
  template: 'cl_B7d4PD222AAA',
  m2m: 'cl_B7d4PD333AAA',
} as const;

const MINUTE_IN_SECONDS = 60;
const HOUR_IN_SECONDS = 60 * MINUTE_IN_SECONDS;

/** Issues the tokens of an instance. */
export class TokenIssuer {
  constructor(
    private readonly store: Store,
    private readonly keys: SigningKeys,
    private readonly issuer: string,
  ) {}

  sessionToken(options: SessionTokenOptions = {}): string {
    const { store } = this;
    const given = options.session === undefined ? undefined : store.session(options.session);
    const user = store.user(options.user ?? given?.user_id ?? store.createUser());
    const organizationRef = options.organization ?? given?.last_active_organization_id;
    const organization = organizationRef === undefined ? undefined : store.organization(organizationRef);
    const session = given ?? store.createSession({ ...options, user, organization, status: options.sessionStatus });
    const membership = organization && store.membership(organization.id, user.id);

    return this.sign(options, { cat: CATEGORY.session }, MINUTE_IN_SECONDS, {
      azp: options.authorizedParty ?? 'http://localhost:3000',
      sub: user.id,
      sid: session.id,
      ...sessionClaims({
        status: options.sessionStatus ?? (session.status === 'pending' ? 'pending' : 'active'),
        organization: organization && {
          id: organization.id,
          slug: organization.slug,
          role: options.role ?? membership?.role ?? 'org:member',
          permissions: options.permissions ?? membership?.permissions ?? [],
        },
        features: options.features ?? session.claimed.features,
        plans: options.plans ?? session.claimed.plans,
        factorVerificationAge: options.factorVerificationAge ?? session.claimed.factorVerificationAge ?? [0, -1],
        actor: options.actor ?? session.actor,
      }),
    });
  }

  templateToken(options: TemplateTokenOptions = {}): string {
    const user = this.store.user(options.user ?? this.store.createUser());
    const template = options.template === undefined ? undefined : this.store.template(options.template);
    const claims = { ...template?.claims, sub: user.id };
    return this.sign(options, { cat: CATEGORY.template }, template?.lifetime ?? MINUTE_IN_SECONDS, claims);
  }

  apiKey({ subject, name = 'key', description = null, createdBy, ...rest }: IssuerApiKeyOptions): IssuedApiKey {
    const { organizations } = this.store;
    const id = organizations.has(idOf(subject)) ? idOf(subject) : this.store.user(subject).id;
    const { token, secret } = this.store.machineTokens.create({
      kind: 'api_key',
      subject: id,
      ...rest,
      more: { name, description, created_by: createdBy === undefined ? null : idOf(createdBy), last_used_at: null },
    });
    return { ...token, secret };
  }

  m2mToken(options: M2MTokenOptions): IssuedMachineToken {
    const machine = this.store.machine(options.machine);
    const scopes = options.scopes ?? machine.scoped_machines.map(({ id }) => id);
    return this.machineToken('m2m_token', { subject: machine.id, scopes }, options, { cat: CATEGORY.m2m }, (id) => ({
      sub: machine.id,
      jti: id,
      ...(scopes.length > 0 ? { scopes: scopes.join(' ') } : {}),
    }));
  }

  oauthToken(options: OAuthTokenOptions): IssuedMachineToken {
    const subject = this.store.user(options.user).id;
    const { scopes = ['profile', 'email'], clientId = newId('client') } = options;
    const resource = { subject, scopes, more: { client_id: clientId } };
    return this.machineToken('oauth_token', resource, options, { typ: 'at+jwt' }, (id) => ({
      sub: subject,
      jti: id,
      client_id: clientId,
      scope: scopes.join(' '),
    }));
  }

  private machineToken(
    kind: MachineTokenKind,
    resource: Pick<NewMachineToken, 'subject' | 'scopes' | 'more'>,
    options: FormattedTokenOptions,
    header: object,
    jwtClaims: (id: string) => object,
  ): IssuedMachineToken {
    const jwt = options.format === 'jwt';
    const { secondsUntilExpiration, key } = options;
    const lifetime = secondsUntilExpiration ?? HOUR_IN_SECONDS;
    const { token, secret } = this.store.machineTokens.create({
      kind,
      ...resource,
      claims: options.claims,
      secondsUntilExpiration: jwt ? lifetime : secondsUntilExpiration,
      stateless: jwt,
    });
    if (!jwt) return { ...token, token: secret };
    const claims = { ...options.claims, ...jwtClaims(token.id) };
    return { ...token, token: this.sign({ header: options.header, key }, header, lifetime, claims) };
  }

  private sign(options: TokenOptions, header: object, lifetime: number, claims: object): string {
    const issuedAt = seconds(options.issuedAt ?? new Date());
    const all: Record<string, unknown> = {
      iss: this.issuer,
      iat: issuedAt,
      nbf: options.notBefore === undefined ? issuedAt - 10 : seconds(options.notBefore),
      exp: issuedAt + (options.expiresIn ?? lifetime),
      jti: randomText(20),
      ...claims,
      ...options.claims,
    };
    for (const name of options.omit ?? []) delete all[name];
    return this.keys.sign({ header: { ...header, ...options.header }, claims: all, key: options.key });
  }
}

/** Options of an API key, with the null values of an HTTP request. */
type IssuerApiKeyOptions = Omit<ApiKeyOptions, 'description'> & { readonly description?: string | null };

function seconds(time: number | Date): number {
  return typeof time === 'number' ? time : Math.floor(time.getTime() / 1000);
}
