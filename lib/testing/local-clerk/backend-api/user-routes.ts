import type { EmailAddressJSON, UserJSON } from '@clerk/backend';

import { ApiError, invalidFormat, invalidParameter, notFound } from '../api-error.js';
import { changes, mergedMetadata, object, replacedMetadata, text, texts } from './fields.js';
import { deleted, page, paginated, type ApiCall, type Routes } from './api-call.js';
import { newId } from '../ids.js';
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
  /** Identifiers of a user are unique. */
  const free = (body: ApiCall['body'], name: 'username' | 'external_id', owner?: string) => {
    const wanted = text(body, name);
    const isTaken = (user: UserJSON) => user[name] === wanted && user.id !== owner;
    if (wanted !== undefined && [...store.users.values()].some(isTaken)) throw taken(name);
    return wanted;
  };
  const freeAddresses = (body: ApiCall['body']) => {
    const known = new Set([...store.users.values()].flatMap(addressesOf).map((address) => address.toLowerCase()));
    const wanted = texts(body, 'email_address') ?? [];
    for (const address of wanted) {
      if (!/^[^\s@]+@[^\s@]+$/.test(address)) throw invalidFormat('email_address', 'be a valid email address');
      if (known.has(address.toLowerCase())) throw taken('email_address');
      known.add(address.toLowerCase());
    }
    return wanted;
  };

  return {
    'GET /v1/users': ({ query }) => page(matchingUsers(store, query), query),
    'GET /v1/users/count': ({ query }) => ({
      object: 'total_count',
      total_count: matchingUsers(store, query).length,
    }),
    'GET /v1/users/:id': one,
    'POST /v1/users': ({ body }) => {
      const [emailAddress, ...others] = freeAddresses(body);
      const username = free(body, 'username');
      if (emailAddress === undefined && !username) {
        throw invalidParameter('email_address', 'or username must identify the user');
      }
      const user = store.createUser({
        emailAddress,
        firstName: text(body, 'first_name'),
        lastName: text(body, 'last_name'),
        username,
        externalId: free(body, 'external_id'),
        publicMetadata: object(body, 'public_metadata'),
        privateMetadata: object(body, 'private_metadata'),
        unsafeMetadata: object(body, 'unsafe_metadata'),
      });
      const [primary] = user.email_addresses as [EmailAddressJSON];
      for (const email_address of others) user.email_addresses.push({ ...primary, id: newId('idn'), email_address });
      return user;
    },
    'PATCH /v1/users/:id': (call) => {
      const user = one(call);
      for (const name of ['username', 'external_id'] as const) free(call.body, name, user.id);
      return change(user, changes(call.body, CHANGEABLE));
    },
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

const taken = (name: string) =>
  new ApiError(422, 'form_identifier_exists', `That ${name} is taken.`, { param_name: name });
