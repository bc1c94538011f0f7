import { Controller, Get, NotFoundException, Param, Redirect, StreamableFile } from '@nestjs/common';
import { Public, RedirectToSignIn, RequireAuth, SkipAuth } from 'nest-clerk';

import { openFile } from './files.js';

@Controller()
export class PagesController {
  /**
   * One page for everybody. `@Public()` lets strangers in, and still lets Clerk pass a browser through a handshake: to
   * refresh its session, or to switch to the organization in the URL.
   */
  @Get(['', 'orgs/:slug', 'personal'])
  @Public()
  home() {
    return this.file('index.html');
  }

  /** Leads to Clerk's sign-in page and back, and from here to the page. */
  @Get('sign-in')
  @RequireAuth()
  @RedirectToSignIn()
  @Redirect('/')
  signIn(): void {}

  /** Credentials are not even looked at. */
  @Get('assets/:name')
  @SkipAuth()
  asset(@Param('name') name: string) {
    return this.file(name);
  }

  private file(name: string): StreamableFile {
    const file = openFile(name);
    if (!file) throw new NotFoundException();
    return new StreamableFile(file.content, { type: file.type });
  }
}
