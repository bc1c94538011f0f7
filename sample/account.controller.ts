import { Controller, Get } from '@nestjs/common';
import { Auth, ClerkClientService } from 'nest-clerk';
import type { SignedInAuthObject } from 'nest-clerk';

@Controller('me')
export class AccountController {
  constructor(private readonly clerk: ClerkClientService) {}

  /** Says nothing about protection: a signed-in session is demanded. */
  @Get()
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
}
