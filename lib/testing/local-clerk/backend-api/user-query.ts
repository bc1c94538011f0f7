import type { UserJSON } from '@clerk/backend';

import { invalidParameter } from '../api-error.js';
import type { Store } from '../store.js';

export function addressesOf(user: UserJSON): string[] {
  return user.email_addresses.map(({ email_address }) => email_address);
}

/** The users that match all filters of a query, newest first unless `order_by` says otherwise, as with Clerk. */
export function matchingUsers(store: Store, query: URLSearchParams): UserJSON[] {
  const filters: Record<string, (user: UserJSON) => (string | null)[]> = {
    user_id: ({ id }) => [id],
    email_address: addressesOf,
    username: ({ username }) => [username],
    external_id: ({ external_id }) => [external_id],
    organization_id: ({ id }) =>
      store.memberships
        .filter(({ public_user_data }) => public_user_data.user_id === id)
        .map(({ organization }) => organization.id),
    banned: ({ banned }) => [String(banned)],
  };
  let users = [...store.users.values()];
  for (const [name, valuesOf] of Object.entries(filters)) {
    const wanted = query.getAll(name);
    if (wanted.length > 0) {
      users = users.filter((user) => valuesOf(user).some((value) => value !== null && wanted.includes(value)));
    }
  }
  const text = query.get('query')?.toLowerCase() ?? '';
  const searched = (user: UserJSON) => [user.id, user.first_name, user.last_name, user.username, ...addressesOf(user)];
  const found = users.filter((user) => searched(user).some((value) => value?.toLowerCase().includes(text)));
  return ordered(found, query.get('order_by') ?? '-created_at');
}

/** @param users In the order of creation, which breaks ties. */
function ordered(users: UserJSON[], orderBy: string): UserJSON[] {
  // An unencoded plus arrives as a space.
  const [, sign, key] = /^([+-]?)(created_at|updated_at|first_name|last_name|username)$/.exec(orderBy.trim()) ?? [];
  if (!key) throw invalidParameter('order_by', 'names no property that users are ordered by');
  const value = (user: UserJSON) => user[key as 'created_at'] ?? '';
  const ascending = users.sort((a, b) => Number(value(a) > value(b)) - Number(value(a) < value(b)));
  return sign === '-' ? ascending.reverse() : ascending;
}
