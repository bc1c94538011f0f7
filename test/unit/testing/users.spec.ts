import type { ClerkClient } from '@clerk/backend';

import { LocalClerk } from '../../../lib/testing/index.js';
import { call, clerkError, sdkOf } from './support.js';

describe('users of the local Clerk', () => {
  let clerk: LocalClerk;
  let users: ClerkClient['users'];
  beforeAll(async () => {
    clerk = await LocalClerk.start();
    ({ users } = sdkOf(clerk));
  });
  afterAll(() => clerk.stop());
  beforeEach(() => clerk.reset());

  it('are returned with everything that createUser() was given', async () => {
    const ada = clerk.createUser({
      id: 'user_ada',
      firstName: 'Ada',
      lastName: 'Lovelace',
      username: 'ada',
      emailAddress: 'ada@acme.test',
      externalId: '42',
      publicMetadata: { tier: 'gold' },
      privateMetadata: { note: 1 },
      unsafeMetadata: { theme: 'dark' },
      banned: true,
    });
    const got = await users.getUser(ada.id);
    expect(got).toMatchObject({
      id: 'user_ada',
      fullName: 'Ada Lovelace',
      username: 'ada',
      externalId: '42',
      publicMetadata: { tier: 'gold' },
      privateMetadata: { note: 1 },
      unsafeMetadata: { theme: 'dark' },
      banned: true,
    });
    expect(got.primaryEmailAddress).toMatchObject({
      emailAddress: 'ada@acme.test',
      verification: { status: 'verified' },
    });
    expect(got.createdAt).toBeGreaterThan(Date.now() - 60_000);
  });

  it('have a unique email address by default', async () => {
    const addresses = [clerk.createUser(), clerk.createUser()].map((user) => user.email_addresses[0]!.email_address);
    expect(new Set(addresses).size).toBe(2);
  });

  it('are listed newest first, as a plain array, in pages of 10 by default', async () => {
    const ids = Array.from({ length: 12 }, () => clerk.createUser().id).reverse();
    const listed = async (more: object) => (await users.getUserList(more)).data.map(({ id }) => id);
    expect(await listed({})).toEqual(ids.slice(0, 10));
    expect(await listed({ limit: 5, offset: 10 })).toEqual(ids.slice(10));
    expect(await listed({ limit: 500 })).toEqual(ids);
    expect(await users.getUserList({ limit: 1 })).toMatchObject({ totalCount: 12 });
    expect(await users.getCount()).toBe(12);
    expect((await call(clerk, '/v1/users?limit=2')).json).toHaveLength(2);
    for (const query of ['limit=-1', 'limit=x', 'offset=1.5']) {
      expect((await call(clerk, `/v1/users?${query}`)).json.errors[0].code).toBe('form_param_format_invalid');
    }
  });

  it('can be filtered by ID, email address, username, external ID, organization, text and ban', async () => {
    const ada = clerk.createUser({ firstName: 'Ada', username: 'ada', externalId: '1', emailAddress: 'ada@acme.test' });
    const grace = clerk.createUser({ lastName: 'Hopper', emailAddress: 'grace@navy.test', banned: true });
    const organization = clerk.createOrganization();
    clerk.addMember({ organization, user: grace });
    const found = async (filter: object) => (await users.getUserList(filter)).data.map(({ id }) => id);
    expect(await found({ userId: [ada.id, grace.id] })).toEqual([grace.id, ada.id]);
    expect(await found({ emailAddress: ['ada@acme.test'] })).toEqual([ada.id]);
    expect(await found({ username: ['ada'] })).toEqual([ada.id]);
    expect(await found({ externalId: ['1'] })).toEqual([ada.id]);
    expect(await found({ organizationId: [organization.id] })).toEqual([grace.id]);
    expect(await found({ query: 'HOPP' })).toEqual([grace.id]);
    expect(await found({ query: '@acme' })).toEqual([ada.id]);
    expect(await found({ banned: true })).toEqual([grace.id]);
    expect(await found({ userId: ['user_x'] })).toEqual([]);
    expect(await users.getCount({ query: 'ada@' })).toBe(1);
  });

  it('are sorted by order_by, and by creation if equal, and not by an unknown field', async () => {
    const [b, a, again] = ['b', 'a', 'a'].map((firstName) => clerk.createUser({ firstName }).id);
    const ordered = async (order: string) =>
      (await call(clerk, `/v1/users?order_by=${order}`)).json.map(({ id }: { id: string }) => id);
    expect(await ordered('first_name')).toEqual([a, again, b]);
    expect(await ordered('%2Bfirst_name')).toEqual([a, again, b]);
    expect(await ordered('+first_name')).toEqual([a, again, b]);
    expect(await ordered('-first_name')).toEqual([b, again, a]);
    expect(await ordered('username')).toEqual([b, a, again]);
    const { status, json } = await call(clerk, '/v1/users?order_by=password');
    expect({ status, code: json.errors[0].code }).toEqual({ status: 422, code: 'form_param_invalid' });
  });

  it('can be created over HTTP, and not without an identifier or with malformed ones', async () => {
    const made = await users.createUser({
      emailAddress: ['ada@acme.test'],
      firstName: 'Ada',
      publicMetadata: { tier: 'gold' },
    });
    expect(await users.getUser(made.id)).toMatchObject({ firstName: 'Ada', publicMetadata: { tier: 'gold' } });
    expect((await users.createUser({ username: 'grace' })).username).toBe('grace');
    const again = users.createUser({ emailAddress: ['ada@acme.test'] });
    await expect(again).rejects.toEqual(clerkError(422, 'form_identifier_exists'));
    await expect(users.createUser({ firstName: 'Nobody' })).rejects.toEqual(clerkError(422, 'form_param_invalid'));
    for (const body of ['{"email_address":"a@b.c"}', '{"email_address":[1]}', '{"username":7}']) {
      const answer = await call(clerk, '/v1/users', { method: 'POST', body });
      expect(answer).toMatchObject({ status: 422, json: { errors: [{ code: 'form_param_format_invalid' }] } });
    }
  });

  it.each<[string, object, string]>([
    ['a malformed email address', { emailAddress: ['ada'] }, 'form_param_format_invalid'],
    ['a malformed second email address', { emailAddress: ['a@b.test', 'b @c.test'] }, 'form_param_format_invalid'],
    ['a taken email address in upper case', { emailAddress: ['ADA@acme.test'] }, 'form_identifier_exists'],
    ['a taken second email address', { emailAddress: ['a@b.test', 'ada@acme.test'] }, 'form_identifier_exists'],
    ['the same email address twice', { emailAddress: ['a@b.test', 'a@b.test'] }, 'form_identifier_exists'],
    ['a taken username', { username: 'ada' }, 'form_identifier_exists'],
    ['a taken external ID', { username: 'b', externalId: '42' }, 'form_identifier_exists'],
  ])('are not created over HTTP with %s', async (_, params, code) => {
    clerk.createUser({ emailAddress: 'ada@acme.test', username: 'ada', externalId: '42' });
    await expect(users.createUser(params)).rejects.toEqual(clerkError(422, code));
    expect(await users.getCount()).toBe(1);
  });

  it('can be created over HTTP with several email addresses, of which the first is primary', async () => {
    const { id } = await users.createUser({ emailAddress: ['a@b.test', 'c@d.test'] });
    const { emailAddresses, primaryEmailAddress } = await users.getUser(id);
    expect(emailAddresses.map(({ emailAddress }) => emailAddress)).toEqual(['a@b.test', 'c@d.test']);
    expect(primaryEmailAddress?.emailAddress).toBe('a@b.test');
    expect(new Set(emailAddresses.map((one) => one.id)).size).toBe(2);
  });

  it('can be updated with their own username and external ID, but not with those of others', async () => {
    clerk.createUser({ username: 'ada', externalId: '42' });
    const { id } = clerk.createUser({ username: 'grace', externalId: '7' });
    const exists = clerkError(422, 'form_identifier_exists');
    await expect(users.updateUser(id, { username: 'ada' })).rejects.toEqual(exists);
    await expect(users.updateUser(id, { externalId: '42' })).rejects.toEqual(exists);
    expect(await users.updateUser(id, { username: 'grace', externalId: '7', firstName: 'G' })).toMatchObject({
      username: 'grace',
      firstName: 'G',
    });
  });

  it.each(['limit=0', 'limit=501', 'limit=x', 'limit=1.5', 'limit=-1', 'offset=-1'])(
    'are not listed with ?%s: 422',
    async (query) => {
      const answer = await call(clerk, `/v1/users?${query}`);
      expect(answer).toMatchObject({ status: 422, json: { errors: [{ code: 'form_param_format_invalid' }] } });
    },
  );

  it('can be updated, with metadata replaced or merged at every level', async () => {
    const { id } = clerk.createUser({ firstName: 'Ada', publicMetadata: { a: 1, deep: { b: 1, c: 1 } } });
    expect(await users.updateUser(id, { firstName: 'Grace', externalId: '7' })).toMatchObject({
      firstName: 'Grace',
      externalId: '7',
    });
    const merged = await users.updateUserMetadata(id, {
      publicMetadata: { a: null, deep: { b: 2, d: { e: [1] } }, list: [1] },
      unsafeMetadata: { theme: 'dark' },
    });
    expect(merged).toMatchObject({ unsafeMetadata: { theme: 'dark' }, privateMetadata: {} });
    expect(merged.publicMetadata).toEqual({ deep: { b: 2, c: 1, d: { e: [1] } }, list: [1] });
    expect((await users.updateUserMetadata(id, { publicMetadata: {} })).publicMetadata).toEqual(merged.publicMetadata);
    const replaced = await users.replaceUserMetadata(id, { publicMetadata: { z: 1 } });
    expect(replaced.publicMetadata).toEqual({ z: 1 });
    expect(replaced.unsafeMetadata).toEqual({ theme: 'dark' });
    const none = await call(clerk, `/v1/users/${id}/metadata`, { method: 'PUT', body: '{"public_metadata":null}' });
    expect(none.json.public_metadata).toEqual({});
    const same = await call(clerk, `/v1/users/${id}/metadata`, { method: 'PATCH', body: '{"unsafe_metadata":null}' });
    expect(same.json.unsafe_metadata).toEqual({ theme: 'dark' });
    const bad = await call(clerk, `/v1/users/${id}/metadata`, { method: 'PATCH', body: '{"public_metadata":"x"}' });
    expect(bad.status).toBe(422);
  });

  it('lose their sessions when banned, and do not get them back when unbanned', async () => {
    const user = clerk.createUser();
    const [session, others] = [clerk.createSession({ user }), clerk.createSession({ user: clerk.createUser() })];
    expect((await users.banUser(user.id)).banned).toBe(true);
    const { sessions } = sdkOf(clerk);
    expect((await sessions.getSession(session.id)).status).toBe('revoked');
    expect((await sessions.getSession(others.id)).status).toBe('active');
    expect((await users.unbanUser(user.id)).banned).toBe(false);
    expect((await sessions.getSession(session.id)).status).toBe('revoked');
  });

  it('are deleted with their memberships and sessions', async () => {
    const user = clerk.createUser();
    const organization = clerk.createOrganization();
    clerk.addMember({ organization, user });
    const session = clerk.createSession({ user });
    expect(await users.deleteUser(user.id)).toMatchObject({ id: user.id, deleted: true });
    await expect(users.getUser(user.id)).rejects.toEqual(clerkError(404, 'resource_not_found'));
    const { organizations, sessions } = sdkOf(clerk);
    const members = await organizations.getOrganizationMembershipList({ organizationId: organization.id });
    expect(members.totalCount).toBe(0);
    expect((await sessions.getSession(session.id)).status).toBe('removed');
  });

  it('list their memberships with organization, role and permissions', async () => {
    const user = clerk.createUser();
    const [first, second] = [clerk.createOrganization(), clerk.createOrganization()];
    clerk.addMember({ organization: first, user, permissions: ['org:a:b'] });
    clerk.addMember({ organization: second, user, role: 'org:admin' });
    clerk.addMember({ organization: first, user: clerk.createUser() });
    const { data, totalCount } = await users.getOrganizationMembershipList({ userId: user.id });
    expect(totalCount).toBe(2);
    expect(data).toMatchObject([
      { role: 'org:admin', organization: { id: second.id } },
      { role: 'org:member', permissions: ['org:a:b'], organization: { id: first.id } },
    ]);
  });

  it.each(['getUser', 'banUser', 'unbanUser', 'deleteUser', 'updateUser', 'updateUserMetadata'] as const)(
    'are rejected with 404 by %s when unknown',
    async (method) => {
      const call = users[method] as (id: string, params: object) => Promise<unknown>;
      await expect(call.call(users, 'user_x', { firstName: 'x' })).rejects.toEqual(
        clerkError(404, 'resource_not_found'),
      );
    },
  );
});
