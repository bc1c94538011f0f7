import { createHmac, createPublicKey, generateKeyPairSync, webcrypto } from 'node:crypto';

import { verifyToken } from '@clerk/backend';
import type { SignedInAuthObject } from '@clerk/backend/internal';
import { decodeProtectedHeader, jwtVerify } from 'jose';

import { LocalClerk, type SessionTokenOptions } from '../../../lib/testing/index.js';
import { bearing, decoded, inSeconds, sdkOf } from './support.js';

describe('tokens of the local Clerk', () => {
  let clerk: LocalClerk;
  let other: LocalClerk;
  beforeAll(async () => ([clerk, other] = [await LocalClerk.start(), await LocalClerk.start()]));
  afterAll(() => Promise.all([clerk.stop(), other.stop()]));

  const state = (token: string) => sdkOf(clerk).authenticateRequest(bearing(token));
  const auth = async (options?: SessionTokenOptions): Promise<SignedInAuthObject> => {
    const answer = await state(await clerk.sessionToken(options));
    expect(answer).toMatchObject({ isAuthenticated: true });
    return answer.toAuth() as SignedInAuthObject;
  };

  describe('created without options', () => {
    it('sign in a new user with a new session', async () => {
      const { userId, sessionId, orgId, actor, factorVerificationAge, sessionStatus } = await auth();
      expect(userId).toMatch(/^user_\w{27}$/);
      expect(sessionId).toMatch(/^sess_\w{27}$/);
      expect({ orgId, actor, factorVerificationAge, sessionStatus }).toEqual({
        orgId: undefined,
        actor: undefined,
        factorVerificationAge: [0, -1],
        sessionStatus: 'active',
      });
      const { users, sessions } = sdkOf(clerk);
      expect((await users.getUser(userId)).id).toBe(userId);
      expect((await sessions.getSession(sessionId)).userId).toBe(userId);
    });

    it('have the claims and the header of a version 2 token', async () => {
      const { header, claims } = decoded(await clerk.sessionToken());
      expect(header).toEqual({ alg: 'RS256', kid: clerk.keyId, typ: 'JWT', cat: 'cl_B7d4PD111AAA' });
      expect(claims).toEqual({
        v: 2,
        iss: clerk.issuer,
        sub: expect.stringMatching(/^user_/),
        sid: expect.stringMatching(/^sess_/),
        azp: 'http://localhost:3000',
        iat: expect.any(Number),
        nbf: claims.iat - 10,
        exp: claims.iat + 60,
        jti: expect.stringMatching(/^\w{20}$/),
        sts: 'active',
        fva: [0, -1],
      });
    });

    it('can be verified with jwtKey only', async () => {
      const token = await clerk.sessionToken();
      await expect(verifyToken(token, { jwtKey: clerk.jwtKey })).resolves.toMatchObject({ iss: clerk.issuer });
      await expect(jwtVerify(token, createPublicKey(clerk.jwtKey))).resolves.toBeDefined();
    });
  });

  describe('with an organization', () => {
    it('return true from has() exactly for their role, permissions, features and plans', async () => {
      const user = clerk.createUser();
      const organization = clerk.createOrganization({ name: 'Acme Inc.' });
      clerk.addMember({
        organization,
        user,
        role: 'org:admin',
        permissions: ['org:invoices:create', 'org:invoices:read', 'org:reports:read', 'org:sys_memberships:manage'],
      });
      const { has, orgId, orgSlug, orgRole, orgPermissions, sessionClaims } = await auth({
        user,
        organization,
        features: ['export', 'user:beta', 'org:reports', 'user:export'],
        plans: ['org:gold', 'user:free'],
      });
      expect({ orgId, orgSlug, orgRole }).toEqual({
        orgId: organization.id,
        orgSlug: 'acme-inc-',
        orgRole: 'org:admin',
      });
      expect(orgPermissions).toEqual(['org:invoices:create', 'org:invoices:read', 'org:reports:read']);
      const asked = (params: Parameters<typeof has>[0]) => has(params);
      expect(asked({ role: 'org:admin' })).toBe(true);
      expect(asked({ role: 'org:member' })).toBe(false);
      expect(asked({ permission: 'org:invoices:create' })).toBe(true);
      expect(asked({ permission: 'org:reports:read' })).toBe(true);
      expect(asked({ permission: 'org:reports:create' })).toBe(false);
      expect(asked({ permission: 'org:export:read' })).toBe(false);
      expect(asked({ permission: 'org:sys_memberships:manage' })).toBe(false);
      for (const feature of ['export', 'org:export', 'user:export', 'user:beta', 'org:reports', 'org:invoices']) {
        expect([feature, asked({ feature })]).toEqual([feature, true]);
      }
      for (const feature of ['org:beta', 'user:reports', 'nothing']) {
        expect([feature, asked({ feature })]).toEqual([feature, false]);
      }
      expect(asked({ plan: 'org:gold' })).toBe(true);
      expect(asked({ plan: 'user:free' })).toBe(true);
      expect(asked({ plan: 'org:free' })).toBe(false);
      expect(sessionClaims.o).toEqual({
        id: organization.id,
        slg: 'acme-inc-',
        rol: 'admin',
        per: 'create,read',
        fpm: '3,2,0',
      });
    });

    it('can contain 70 permissions', async () => {
      const permissions = Array.from({ length: 70 }, (_, index) => `org:f${index % 7}:p${index}`);
      const { orgPermissions } = await auth({ organization: clerk.createOrganization(), permissions });
      expect([...orgPermissions!].sort()).toEqual([...permissions].sort());
    });

    it('use role and permissions of the options instead of the membership’s', async () => {
      const user = clerk.createUser();
      const organization = clerk.createOrganization();
      clerk.addMember({ organization, user, role: 'org:admin', permissions: ['org:a:b'] });
      const { orgRole, orgPermissions } = await auth({ user, organization, role: 'viewer', permissions: ['org:c:d'] });
      expect({ orgRole, orgPermissions }).toEqual({ orgRole: 'org:viewer', orgPermissions: ['org:c:d'] });
    });

    it('have the role org:member without permissions if the user is not a member', async () => {
      const { orgRole, orgPermissions } = await auth({ organization: clerk.createOrganization().id });
      expect({ orgRole, orgPermissions }).toEqual({ orgRole: 'org:member', orgPermissions: [] });
    });

    it('have the permissions that an earlier member with the same role was given', async () => {
      const organization = clerk.createOrganization();
      const [first, second] = [clerk.createUser(), clerk.createUser()];
      clerk.addMember({ organization, user: first, role: 'org:clerk', permissions: ['org:a:b'] });
      clerk.addMember({ organization, user: second.id, role: 'org:clerk' });
      expect((await auth({ user: second, organization })).orgPermissions).toEqual(['org:a:b']);
    });
  });

  describe('with a session', () => {
    it('have the user, organization, actor, factor ages, features and plans of the session', async () => {
      const user = clerk.createUser({ id: 'user_1' });
      const organization = clerk.createOrganization({ id: 'acme' });
      const session = clerk.createSession({
        id: 'sess_1',
        user: 'user_1',
        organization,
        actor: { sub: 'user_support' },
        factorVerificationAge: [5, 3],
        features: ['export'],
        plans: ['gold'],
      });
      const { has, ...signedIn } = await auth({ session });
      expect(signedIn).toMatchObject({
        userId: user.id,
        sessionId: 'sess_1',
        orgId: 'acme',
        actor: { sub: 'user_support' },
        factorVerificationAge: [5, 3],
      });
      expect(has({ feature: 'export' }) && has({ plan: 'gold' })).toBe(true);
      expect(has({ reverification: { level: 'first_factor', afterMinutes: 6 } })).toBe(true);
      expect(has({ reverification: { level: 'first_factor', afterMinutes: 5 } })).toBe(false);
    });

    it('are treated as signed out while the session is pending', async () => {
      const pending = clerk.createSession({ user: clerk.createUser(), status: 'pending' });
      for (const options of [{ session: pending }, { sessionStatus: 'pending' } as const]) {
        const answer = await state(await clerk.sessionToken(options));
        expect(answer.isAuthenticated).toBe(true);
        expect(answer.toAuth()).toMatchObject({ userId: null });
      }
      expect(decoded(await clerk.sessionToken({ session: pending, sessionStatus: 'active' })).claims.sts).toBe(
        'active',
      );
    });
  });

  describe('with defects', () => {
    it('can have any claim, header field and authorized party added or removed', async () => {
      const token = decoded(
        await clerk.sessionToken({
          authorizedParty: 'https://app.example.com',
          claims: { aud: 'api', sid: undefined, iss: 'https://evil.example' },
          omit: ['jti', 'nbf'],
          header: { cat: undefined, typ: 'x', extra: 1 },
        }),
      );
      expect(token.claims).toMatchObject({ azp: 'https://app.example.com', aud: 'api', iss: 'https://evil.example' });
      for (const name of ['sid', 'jti', 'nbf']) expect(token.claims).not.toHaveProperty(name);
      expect(token.header).toEqual({ alg: 'RS256', kid: clerk.keyId, typ: 'x', extra: 1 });
    });

    it.each<[string, () => SessionTokenOptions, string]>([
      ['expired', () => ({ issuedAt: inSeconds(-120) }), 'token-expired'],
      ['expired by a negative expiresIn', () => ({ expiresIn: -10 }), 'token-expired'],
      ['not valid yet', () => ({ notBefore: new Date(Date.now() + 60_000) }), 'token-not-active-yet'],
      ['issued in the future', () => ({ issuedAt: inSeconds(60), notBefore: inSeconds(0) }), 'token-iat-in-the-future'],
      ['signed by another instance', () => ({ key: other }), 'token-invalid-signature'],
      ['signed with an unknown key ID', () => ({ header: { kid: 'ins_x' } }), 'jwk-kid-mismatch'],
      ['unsigned', () => ({ header: { alg: 'none' } }), 'token-invalid-algorithm'],
      ['signed with the public key as an HMAC secret', () => ({ header: { alg: 'HS256' } }), 'token-invalid-algorithm'],
      ['of the machine category', () => ({ header: { cat: 'cl_B7d4PD333AAA' } }), 'token-invalid'],
    ])('are denied by Clerk with the matching reason when %s', async (_, options, reason) => {
      const token = await clerk.sessionToken(options());
      const error = await verifyToken(token, { ...clerk.options }).catch((error: unknown) => error);
      expect(error).toMatchObject({ reason });
      expect((await state(token)).isAuthenticated).toBe(false);
    });

    it('are accepted with explicit issuedAt, expiresIn and notBefore', async () => {
      await auth({ issuedAt: new Date(), expiresIn: 86_400, notBefore: inSeconds(-1) });
    });
  });

  describe('created by sign()', () => {
    const secretOf = (token: string, secret: string, digest: string) =>
      createHmac(digest, secret).update(token.split('.', 2).join('.')).digest('base64url');

    it('are signed with the algorithm in the header, or unsigned with none', () => {
      const claims = { sub: 'user_1' };
      expect(clerk.sign({ claims, header: { alg: 'none' } }).split('.')[2]).toBe('');
      const confused = clerk.sign({ claims, header: { alg: 'HS256' } });
      expect(confused.split('.')[2]).toBe(secretOf(confused, clerk.jwtKey, 'sha256'));
      const secret = clerk.sign({ claims, header: { alg: 'HS512' }, key: 'secret' });
      expect(secret.split('.')[2]).toBe(secretOf(secret, 'secret', 'sha512'));
      expect(decodeProtectedHeader(clerk.sign({ claims, header: { alg: 7 } }))).toMatchObject({ alg: 7 });
    });

    it('can be signed with a KeyObject, PEM, CryptoKey or another instance’s key', async () => {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      const der = privateKey.export({ type: 'pkcs8', format: 'der' });
      const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384' };
      const cryptoKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, true, ['sign']);
      const claims = { sub: 'user_1' };
      for (const key of [privateKey, pem, cryptoKey, { signingKey: privateKey }]) {
        const token = clerk.sign({ claims, header: { alg: 'RS384' }, key });
        await expect(jwtVerify(token, publicKey)).resolves.toMatchObject({ payload: claims });
        expect(decodeProtectedHeader(token).kid).toBe(clerk.keyId);
      }
    });
  });

  describe('of a JWT template', () => {
    it('verify with jwtKey, but do not sign in', async () => {
      const user = clerk.createUser();
      const template = clerk.createJwtTemplate({ name: 'supabase', claims: { role: 'authenticated' }, lifetime: 300 });
      for (const ref of [template, template.id, 'supabase']) {
        const token = await clerk.templateToken({ user, template: ref, claims: { extra: true } });
        const { header, claims } = decoded(token);
        expect(header.cat).toBe('cl_B7d4PD222AAA');
        expect(claims).toMatchObject({ sub: user.id, role: 'authenticated', extra: true, exp: claims.iat + 300 });
        expect(claims).not.toHaveProperty('sid');
        await expect(verifyToken(token, { jwtKey: clerk.jwtKey })).resolves.toBeDefined();
        expect((await state(token)).isAuthenticated).toBe(false);
      }
    });

    it('have a new user and last 60 seconds by default', async () => {
      const { claims } = decoded(await clerk.templateToken());
      expect(claims.exp).toBe(claims.iat + 60);
      expect((await sdkOf(clerk).users.getUser(claims.sub)).id).toBe(claims.sub);
    });
  });
});
