import { Controller, Get } from '@nestjs/common';
import { Auth, ClerkClientService, Public } from 'nest-clerk';
import type { SignedInAuthObject, SignedOutAuthObject } from 'nest-clerk';

import { origins } from './origins.js';

@Controller()
export class AccountController {
  constructor(private readonly clerk: ClerkClientService) {}

  /** No protection decorator: requires a signed-in session. */
  @Get('me')
  async me(@Auth() auth: SignedInAuthObject) {
    const user = await this.clerk.users.getUser(auth.userId);
    return {
      id: user.id,
      name: user.fullName,
      email: user.primaryEmailAddress?.emailAddress ?? null,
      organization: auth.orgSlug ?? null,
      role: auth.orgRole ?? null,
    };
  }

  /** For the page at `/`: the signed-in user, if there is one, and the user's organizations. */
  @Get('session')
  @Public()
  async session(@Auth() auth: SignedInAuthObject | SignedOutAuthObject) {
    // With a local Clerk, the sample also serves a frontend on another origin.
    const clerkUrl = process.env.CLERK_PROXY_URL;
    const local = clerkUrl ? { clerkUrl, frontendUrl: origins().frontend } : {};
    if (!auth.isAuthenticated) return { ...local, user: null };
    const { userId } = auth;
    const user = await this.clerk.users.getUser(userId);
    const { data: memberships } = await this.clerk.users.getOrganizationMembershipList({ userId });
    return {
      ...local,
      user: { id: userId, name: user.fullName ?? userId },
      organization: auth.orgSlug ?? null,
      organizations: memberships.map(({ organization: { name, slug } }) => ({ name, slug })),
    };
  }
}
