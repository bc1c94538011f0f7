import type { UserJSON } from '@clerk/backend';

import { ApiError, invalidParameter, notFound } from '../api-error.js';
import { changes, mergedMetadata, object, replacedMetadata, text, texts } from './fields.js';
import { deleted, page, paginated, type ApiCall, type Routes } from './api-call.js';
import type { Store } from '../store.js';
import { addressesOf, matchingUsers } from './user-query.js';

const METADATA = ['public_metadata', 'private_metadata', 'unsafe_metadata'];
const CHANGEABLE = ['first_name', 'last_name', 'username', 'external_id', ...METADATA];

/** @see https://clerk.com/docs/reference/backend-api/tag/users */
export function userRoutes(store: Store): Routes {
  const one = ({ params }: ApiCall): UserJSON => {
    const user = store.users.get(params.id ?? '');
    if (!user) throw notFound('The user');
    return user;
  };
  const change = (user: UserJSON, changed: object): UserJSON =>
    Object.assign(user, changed, { updated_at: Date.now() });
  const taken = (address: string) => [...store.users.values()].some((user) => addressesOf(user).includes(address));

  return {
    'GET /v1/users': ({ query }) => page(matchingUsers(store, query), query),
    'GET /v1/users/count': ({ query }) => ({
      object: 'total_count',
      total_count: matchingUsers(store, query).length,
    }),
    'GET /v1/users/:id': one,
    'POST /v1/users': ({ body }) => {
      const [emailAddress] = texts(body, 'email_address') ?? [];
      if (emailAddress === undefined && !text(body, 'username')) {
        throw invalidParameter('email_address', 'or username must identify the user');
      }
      if (emailAddress !== undefined && taken(emailAddress)) {
        const meta = { param_name: 'email_address' };
        throw new ApiError(422, 'form_identifier_exists', 'That email address is taken.', meta);
      }
      return store.createUser({
        emailAddress,
        firstName: text(body, 'first_name'),
        lastName: text(body, 'last_name'),
        username: text(body, 'username'),
        externalId: text(body, 'external_id'),
        publicMetadata: object(body, 'public_metadata'),
        privateMetadata: object(body, 'private_metadata'),
        unsafeMetadata: object(body, 'unsafe_metadata'),
      });
    },
    'PATCH /v1/users/:id': (call) => change(one(call), changes(call.body, CHANGEABLE)),
    'PATCH /v1/users/:id/metadata': (call) => change(one(call), mergedMetadata(one(call), call.body, METADATA)),
    'PUT /v1/users/:id/metadata': (call) => change(one(call), replacedMetadata(call.body, METADATA)),
    'DELETE /v1/users/:id': (call) => {
      const { id } = one(call);
      store.deleteUser(id);
      return deleted('user', id);
    },
    'POST /v1/users/:id/ban': (call) => {
      const user = change(one(call), { banned: true });
      store.endSessions(user.id, 'revoked');
      return user;
    },
    'POST /v1/users/:id/unban': (call) => change(one(call), { banned: false }),
    'GET /v1/users/:id/organization_memberships': (call) => {
      const { id } = one(call);
      const own = store.memberships.filter(({ public_user_data }) => public_user_data.user_id === id);
      return paginated(own.reverse(), call.query);
    },
  };
}
