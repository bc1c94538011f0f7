import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { chromium, type Browser, type Page } from 'playwright-core';

/** Where Debian's package puts it. CHROMIUM names another, and then it has to be there. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Tests in a real browser; skipped where there is none. */
export const describeInChromium =
  process.env.CHROMIUM || existsSync(executablePath) ? describe : (describe.skip as typeof describe);

export function launchChromium(): Promise<Browser> {
  // The sandbox needs privileges that containers lack; nothing but our own pages is opened.
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

/** Keeps what a page looks like, under build/screenshots. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = join('build', 'screenshots');
  await mkdir(folder, { recursive: true });
  await page.screenshot({
    path: join(folder, `${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.png`),
    fullPage: true,
  });
}
