import type { ClerkClient } from '@clerk/backend';

import { LocalClerk } from '../../../lib/testing/index.js';
import { clerkError, decoded, sdkOf } from './support.js';

describe('organizations of the local Clerk', () => {
  let clerk: LocalClerk;
  let organizations: ClerkClient['organizations'];
  beforeAll(async () => {
    clerk = await LocalClerk.start();
    ({ organizations } = sdkOf(clerk));
  });
  afterAll(() => clerk.stop());
  beforeEach(() => clerk.reset());

  const notFound = clerkError(404, 'resource_not_found');

  it('can be read by ID and by slug', async () => {
    const { id } = clerk.createOrganization({
      name: 'Acme Inc',
      createdBy: clerk.createUser(),
      publicMetadata: { tier: 1 },
      privateMetadata: { note: 1 },
    });
    for (const params of [{ organizationId: id }, { slug: 'acme-inc' }]) {
      expect(await organizations.getOrganization(params)).toMatchObject({
        id,
        name: 'Acme Inc',
        createdBy: expect.stringMatching(/^user_/),
        publicMetadata: { tier: 1 },
        privateMetadata: { note: 1 },
      });
    }
    await expect(organizations.getOrganization({ slug: 'globex' })).rejects.toEqual(notFound);
  });

  it('are listed newest first, in pages, and filtered by text, member and ID', async () => {
    const [acme, globex] = ['Acme', 'Globex'].map((name) => clerk.createOrganization({ name }));
    const user = clerk.createUser();
    clerk.addMember({ organization: acme!, user });
    const found = async (params?: object) =>
      (await organizations.getOrganizationList(params)).data.map(({ name }) => name);
    expect(await found()).toEqual(['Globex', 'Acme']);
    expect(await found({ query: 'glo' })).toEqual(['Globex']);
    expect(await found({ userId: [user.id] })).toEqual(['Acme']);
    expect(await found({ organizationId: [globex!.id] })).toEqual(['Globex']);
    expect(await organizations.getOrganizationList({ limit: 1, offset: 1 })).toMatchObject({
      totalCount: 2,
      data: [{ name: 'Acme' }],
    });
  });

  it('can be created over HTTP with createdBy as the admin, and not with an invalid or taken slug', async () => {
    const user = clerk.createUser();
    const { id } = await organizations.createOrganization({ name: 'Acme', slug: 'acme', createdBy: user.id });
    const { data } = await organizations.getOrganizationMembershipList({ organizationId: id });
    expect(data).toMatchObject([{ role: 'org:admin', publicUserData: { userId: user.id } }]);
    expect(await organizations.createOrganization({ name: 'Plain' })).toMatchObject({
      slug: 'plain',
      createdBy: undefined,
    });
    const taken = organizations.createOrganization({ name: 'Other', slug: 'acme' });
    await expect(taken).rejects.toEqual(clerkError(422, 'form_identifier_exists'));
    for (const slug of ['Acme', 'a b', 'acme/x', 'é']) {
      const malformed = organizations.createOrganization({ name: 'x', slug });
      await expect(malformed).rejects.toEqual(clerkError(422, 'form_param_format_invalid'));
    }
    await expect(organizations.createOrganization({ name: '' })).rejects.toEqual(clerkError(422, 'form_param_missing'));
    await expect(organizations.createOrganization({ name: 'x', createdBy: 'user_x' })).rejects.toEqual(notFound);
  });

  it('can be updated, with metadata merged or replaced, but not to a taken slug', async () => {
    const { id } = clerk.createOrganization({ publicMetadata: { a: 1, b: 1 } });
    clerk.createOrganization({ slug: 'taken' });
    expect(await organizations.updateOrganization(id, { name: 'New', slug: 'new' })).toMatchObject({
      name: 'New',
      slug: 'new',
    });
    expect((await organizations.updateOrganization(id, { slug: 'new' })).slug).toBe('new');
    await expect(organizations.updateOrganization(id, { slug: 'taken' })).rejects.toEqual(
      clerkError(422, 'form_identifier_exists'),
    );
    const change = { publicMetadata: { a: null, c: 1 } };
    const merged = await organizations.updateOrganizationMetadata(id, change);
    expect(merged.publicMetadata).toEqual({ b: 1, c: 1 });
    const replaced = await organizations.replaceOrganizationMetadata(id, { publicMetadata: { z: 1 } });
    expect(replaced.publicMetadata).toEqual({ z: 1 });
  });

  it('are deleted with their memberships, and are removed from sessions', async () => {
    const user = clerk.createUser();
    const [gone, kept] = [clerk.createOrganization(), clerk.createOrganization()];
    clerk.addMember({ organization: gone, user });
    const [session, other] = [gone, kept].map((organization) => clerk.createSession({ user, organization }));
    expect(await organizations.deleteOrganization(gone.id)).toMatchObject({ id: gone.id, deleted: true });
    const { users, sessions } = sdkOf(clerk);
    expect((await users.getOrganizationMembershipList({ userId: user.id })).totalCount).toBe(0);
    expect((await sessions.getSession(session!.id)).lastActiveOrganizationId).toBeUndefined();
    expect((await sessions.getSession(other!.id)).lastActiveOrganizationId).toBe(kept.id);
    await expect(clerk.sessionToken({ session })).resolves.toBeDefined();
    await expect(organizations.deleteOrganization(gone.id)).rejects.toEqual(notFound);
  });

  describe('memberships', () => {
    it('can be created, listed, updated and deleted', async () => {
      const organization = clerk.createOrganization();
      const organizationId = organization.id;
      const [admin, user, nameless] = [
        clerk.createUser(),
        clerk.createUser({ firstName: 'Ada' }),
        clerk.createUser({ username: 'x' }),
      ];
      clerk.addMember({ organization, user: admin, role: 'org:admin', permissions: ['org:a:b'] });
      const made = await organizations.createOrganizationMembership({
        organizationId,
        userId: user.id,
        role: 'org:member',
      });
      expect(made).toMatchObject({ role: 'org:member', permissions: [], publicUserData: { firstName: 'Ada' } });
      clerk.addMember({ organization: clerk.createOrganization(), user: nameless });

      const listed = async (params: object = {}) => {
        const { data } = await organizations.getOrganizationMembershipList({ organizationId, ...params });
        return data.map(({ publicUserData }) => publicUserData?.userId);
      };
      expect(await listed()).toEqual([user.id, admin.id]);
      expect(await listed({ limit: 1, offset: 1 })).toEqual([admin.id]);
      expect(await listed({ role: ['org:admin'] })).toEqual([admin.id]);
      expect(await listed({ userId: [user.id] })).toEqual([user.id]);

      const one = { organizationId, userId: user.id };
      const promoted = await organizations.updateOrganizationMembership({ ...one, role: 'org:admin' });
      expect(promoted).toMatchObject({ role: 'org:admin', permissions: ['org:a:b'] });
      const demoted = await organizations.updateOrganizationMembership({ ...one, role: 'org:guest' });
      expect(demoted).toMatchObject({ role: 'org:guest', permissions: [] });
      const noted = await organizations.updateOrganizationMembershipMetadata({ ...one, publicMetadata: { a: 1 } });
      expect(noted.publicMetadata).toEqual({ a: 1 });
      expect((await organizations.deleteOrganizationMembership(one)).id).toBe(made.id);
      expect(await listed()).toEqual([admin.id]);
    });

    it('that are deleted remove the organization from the sessions of that user only', async () => {
      const [organization, other] = [clerk.createOrganization(), clerk.createOrganization()];
      const [leaver, member] = [clerk.createUser(), clerk.createUser()];
      for (const user of [leaver, member]) clerk.addMember({ organization, user, role: 'org:admin' });
      const sessions = [
        clerk.createSession({ user: leaver, organization }),
        clerk.createSession({ user: leaver, organization: other }),
        clerk.createSession({ user: member, organization }),
      ];
      await organizations.deleteOrganizationMembership({ organizationId: organization.id, userId: leaver.id });
      const active = async ({ id }: { id: string }) => {
        const { jwt } = await sdkOf(clerk).sessions.getToken(id);
        return (decoded(jwt).claims.o as { id: string } | undefined)?.id;
      };
      expect(await Promise.all(sessions.map(active))).toEqual([undefined, other.id, organization.id]);
    });

    it('are rejected when they exist already, lack a role, or refer to an unknown user or organization', async () => {
      const user = clerk.createUser();
      const organization = clerk.createOrganization();
      clerk.addMember({ organization, user });
      const make = (organizationId: string, userId: string, role = 'org:member') =>
        organizations.createOrganizationMembership({ organizationId, userId, role });
      await expect(make(organization.id, user.id)).rejects.toEqual(clerkError(400, 'already_a_member_in_organization'));
      await expect(make(organization.id, 'user_x')).rejects.toEqual(notFound);
      await expect(make('org_x', user.id)).rejects.toEqual(notFound);
      await expect(make(organization.id, user.id, '')).rejects.toEqual(clerkError(422, 'form_param_missing'));
      const unknown = { organizationId: organization.id, userId: 'user_x' };
      await expect(organizations.deleteOrganizationMembership(unknown)).rejects.toEqual(notFound);
      await expect(organizations.updateOrganizationMembership({ ...unknown, role: 'x' })).rejects.toEqual(notFound);
    });

    it('identify users without an email address by username or ID', () => {
      const organization = clerk.createOrganization();
      const [named, nameless] = [clerk.createUser({ username: 'ada' }), clerk.createUser()];
      for (const user of [named, nameless]) user.email_addresses = [];
      const identifier = (user: { id: string }) => clerk.addMember({ organization, user }).public_user_data.identifier;
      expect([identifier(named), identifier(nameless)]).toEqual(['ada', nameless.id]);
    });
  });
});
