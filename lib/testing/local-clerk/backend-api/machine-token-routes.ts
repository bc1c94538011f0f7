import { ApiError, missingParameter, notFound } from '../api-error.js';
import { number, object, requiredText, text, texts } from './fields.js';
import type { MachineTokenJSON, MachineTokenKind } from '../machine-tokens.js';
import { paginated, type ApiCall, type Routes } from './api-call.js';
import type { Store } from '../store.js';
import type { TokenIssuer } from '../token-issuer.js';

/**
 * The three types of machine tokens. Their endpoints have no version in the path.
 * @see https://clerk.com/docs/guides/development/machine-auth/overview
 */
export function machineTokenRoutes(store: Store, tokens: TokenIssuer): Routes {
  const { machineTokens } = store;
  /** Callers cannot tell unknown, revoked and expired tokens apart. */
  const verified = (kind: MachineTokenKind, secret: string): MachineTokenJSON => {
    const token = machineTokens.verify(kind, secret);
    if (!token) throw unknownToken();
    return token;
  };
  const one = (kind: MachineTokenKind, { params }: ApiCall): MachineTokenJSON => {
    const token = machineTokens.find(kind, params.id);
    if (!token) throw unknownToken();
    return token;
  };
  const revoked = ({ id }: MachineTokenJSON, { body }: ApiCall) =>
    machineTokens.revoke(id, text(body, 'revocation_reason'));
  const isSet = ({ query }: ApiCall, name: string) => query.get(name) === 'true';

  return {
    'GET /api_keys': (call) => {
      const subject = subjectOf(call);
      const includeInvalid = isSet(call, 'include_invalid');
      const found = machineTokens
        .list('api_key')
        .filter((key) => key.subject === subject && (includeInvalid || (!key.revoked && !key.expired)));
      return paginated(found, call.query);
    },
    'GET /api_keys/:id': (call) => one('api_key', call),
    'GET /api_keys/:id/secret': (call) => ({ secret: machineTokens.secretOf(one('api_key', call)) }),
    'POST /api_keys': ({ body }) => {
      const subject = requiredText(body, 'subject');
      if (!store.users.has(subject) && !store.organizations.has(subject)) throw notFound('The subject');
      return tokens.apiKey({
        subject,
        name: requiredText(body, 'name'),
        description: text(body, 'description'),
        createdBy: text(body, 'created_by'),
        scopes: texts(body, 'scopes'),
        claims: object(body, 'claims'),
        secondsUntilExpiration: number(body, 'seconds_until_expiration'),
      });
    },
    'POST /api_keys/verify': ({ body }) => verified('api_key', requiredText(body, 'secret')),
    'POST /api_keys/:id/revoke': (call) => revoked(one('api_key', call), call),

    'GET /m2m_tokens': (call) => {
      const subject = requireOwner(call.machineId, subjectOf(call));
      const found = machineTokens
        .list('m2m_token')
        .filter((token) => token.subject === subject)
        .filter((token) => (isSet(call, 'revoked') || !token.revoked) && (isSet(call, 'expired') || !token.expired));
      const { data, total_count } = paginated(found, call.query);
      return { m2m_tokens: data, total_count };
    },
    'POST /m2m_tokens': ({ body, machineId }) => {
      if (machineId === undefined) {
        const message = 'M2M tokens are created with the secret key of a machine';
        throw new ApiError(401, 'machine_secret_key_required', message);
      }
      return tokens.m2mToken({
        machine: machineId,
        claims: object(body, 'claims'),
        secondsUntilExpiration: number(body, 'seconds_until_expiration'),
        format: text(body, 'token_format') === 'jwt' ? 'jwt' : 'opaque',
      });
    },
    'POST /m2m_tokens/verify': ({ body, machineId }) => {
      const token = verified('m2m_token', requiredText(body, 'token'));
      // A machine may only verify tokens that are meant for it.
      if (machineId !== undefined && !token.scopes.includes(machineId)) throw unknownToken();
      return token;
    },
    'POST /m2m_tokens/:id/revoke': (call) => {
      const token = one('m2m_token', call);
      requireOwner(call.machineId, token.subject);
      return revoked(token, call);
    },

    'POST /oauth_applications/access_tokens/verify': ({ body }) =>
      verified('oauth_token', requiredText(body, 'access_token')),
  };
}

/** Lists require a subject. */
function subjectOf({ query }: ApiCall): string {
  const subject = query.get('subject');
  if (!subject) throw missingParameter('subject');
  return subject;
}

const unknownToken = () => new ApiError(404, 'token_not_found', 'The token was not found');

/** A machine sees its own tokens only; the instance's secret key sees all. */
function requireOwner(machineId: string | undefined, subject: string): string {
  if (machineId !== undefined && machineId !== subject) {
    throw new ApiError(403, 'authorization_invalid', 'The tokens belong to another machine');
  }
  return subject;
}
