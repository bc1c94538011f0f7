import { ApiError, missingParameter, notFound } from '../api-error.js';
import type { MachineTokenJSON, MachineTokenKind } from '../machine-tokens.js';
import type { MachineJSON } from '../resources.js';
import { paginated, type ApiCall, type Routes } from '../router.js';
import type { Store } from '../store.js';
import { subjectOf, type TokenIssuer } from '../token-issuer.js';

/** Machines, and the three kinds of machine tokens. Endpoints of tokens have no version in their path. */
export function machineRoutes(store: Store, tokens: TokenIssuer): Routes {
  const { machineTokens } = store;
  const machine = ({ params }: ApiCall): MachineJSON => {
    const found = store.machines.get(params.id ?? '');
    if (!found) throw notFound('The machine');
    return found;
  };
  /** Unknown, revoked and expired tokens are all the same to a caller. */
  const verify = (kind: MachineTokenKind, field: string) => (call: ApiCall) => {
    if (typeof call.body[field] !== 'string') throw missingParameter(field);
    const token = machineTokens.verify(kind, call.body[field]);
    if (!token) throw new ApiError(404, 'token_not_found', 'The token was not found');
    return token;
  };
  const revoke = (kind: MachineTokenKind) => (call: ApiCall) => {
    const known = machineTokens.list(kind).find(({ id }) => id === call.params.id);
    if (!known) throw notFound('The token');
    return machineTokens.revoke(known.id, (call.body.revocation_reason as string | null) ?? null);
  };
  const listed = (kind: MachineTokenKind, { query }: ApiCall): MachineTokenJSON[] => {
    const subject = query.get('subject');
    if (!subject) throw missingParameter('subject');
    const invalid = query.get('include_invalid') === 'true';
    return machineTokens
      .list(kind)
      .filter((token) => token.subject === subject && (invalid || (!token.revoked && !token.expired)));
  };

  return {
    'GET /v1/machines': ({ query }) => paginated([...store.machines.values()].reverse().map(withoutSecret), query),
    'GET /v1/machines/:id': (call) => withoutSecret(machine(call)),
    'GET /v1/machines/:id/secret_key': (call) => ({
      object: 'machine_secret_key',
      secret: machine(call).secret_key,
    }),
    'POST /v1/machines': ({ body }) => {
      if (typeof body.name !== 'string') throw missingParameter('name');
      return store.createMachine(body.name, (body.scoped_machines ?? []) as string[]);
    },

    'GET /api_keys': (call) => paginated(listed('api_key', call), call.query),
    'GET /api_keys/:id': ({ params }) => {
      const key = machineTokens.list('api_key').find(({ id }) => id === params.id);
      if (!key) throw notFound('The API key');
      return key;
    },
    'GET /api_keys/:id/secret': ({ params }) => {
      const secret = machineTokens.secretOf(params.id ?? '');
      if (secret === undefined) throw notFound('The API key');
      return { secret };
    },
    'POST /api_keys': ({ body }) => {
      if (typeof body.name !== 'string') throw missingParameter('name');
      if (typeof body.subject !== 'string') throw missingParameter('subject');
      if (!store.users.has(body.subject) && !store.organizations.has(body.subject)) throw notFound('The subject');
      const { token, secret } = machineTokens.create({
        kind: 'api_key',
        subject: subjectOf(store, body.subject),
        scopes: body.scopes as string[] | undefined,
        claims: body.claims as Record<string, unknown> | undefined,
        secondsUntilExpiration: body.seconds_until_expiration as number | undefined,
        more: { name: body.name, description: (body.description as string | undefined) ?? null },
      });
      return { ...token, secret };
    },
    'POST /api_keys/verify': verify('api_key', 'secret'),
    'POST /api_keys/:id/revoke': revoke('api_key'),

    'GET /m2m_tokens': (call) => {
      const { data, total_count } = paginated(listed('m2m_token', call), call.query);
      return { m2m_tokens: data, total_count };
    },
    'POST /m2m_tokens': ({ body, machineId }) => {
      if (machineId === undefined) {
        throw new ApiError(
          401,
          'machine_secret_key_required',
          'M2M tokens are created with the secret key of a machine',
        );
      }
      return tokens.m2mToken({
        machine: machineId,
        claims: body.claims as Record<string, unknown> | null,
        secondsUntilExpiration: body.seconds_until_expiration as number | null,
        format: body.token_format === 'jwt' ? 'jwt' : 'opaque',
      });
    },
    'POST /m2m_tokens/verify': verify('m2m_token', 'token'),
    'POST /m2m_tokens/:id/revoke': revoke('m2m_token'),

    'POST /oauth_applications/access_tokens/verify': verify('oauth_token', 'access_token'),
  };
}

function withoutSecret({ secret_key: _, ...machine }: MachineJSON): object {
  return machine;
}
