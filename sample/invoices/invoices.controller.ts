import { Body, Controller, Get, Post } from '@nestjs/common';
import { AcceptsToken, Auth, ClerkClientService, RequirePermission } from 'nest-clerk';
import type { AuthObjectFor } from 'nest-clerk';

import { InvoicesService } from './invoices.service.js';

@Controller('invoices')
export class InvoicesController {
  constructor(
    private readonly invoices: InvoicesService,
    private readonly clerk: ClerkClientService,
  ) {}

  /** Everybody who is signed in sees the invoices of the organization that is active in the session. */
  @Get()
  list(@Auth('orgSlug') organization: string | undefined) {
    return this.invoices.of(organization);
  }

  /** Only members who hold the permission in the active organization. */
  @Post()
  @RequirePermission('org:invoices:create')
  create(@Auth('orgSlug') organization: string, @Body() draft: unknown) {
    return this.invoices.create(organization, draft);
  }

  /** For programs: an API key exports the organization it belongs to, a machine of ours everything. */
  @Get('export')
  @AcceptsToken('api_key', 'm2m_token')
  async export(@Auth() auth: AuthObjectFor<'api_key' | 'm2m_token'>) {
    if (auth.tokenType === 'm2m_token') return this.invoices.all();
    if (!auth.orgId) return [];
    const organization = await this.clerk.organizations.getOrganization({
      organizationId: auth.orgId,
    });
    return this.invoices.of(organization.slug);
  }
}
