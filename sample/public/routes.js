/** The routes of the API, and what they require of the caller. */
const ROUTES = [
  { method: 'GET', path: '/rates', requires: 'nothing: it is public' },
  { method: 'GET', path: '/me', requires: 'a signed-in session' },
  { method: 'GET', path: '/invoices', requires: 'a signed-in session' },
  {
    method: 'POST',
    path: '/invoices',
    requires: 'the permission org:invoices:create in the active organization',
    body: { customer: 'Night Library', amountInCents: 2500 },
  },
  { method: 'GET', path: '/invoices/export', requires: 'an API key or a machine token, so browsers are denied' },
];

/** The headers that say why a call was denied. From another origin they are readable because the API exposes them. */
const REASONS = ['www-authenticate', 'x-clerk-auth-reason'];

/**
 * Adds a button for each route to a list. A click calls the route and shows the response below the button.
 * @param prepare Returns the headers of the call.
 */
export function addRouteButtons(list, apiUrl, prepare) {
  for (const { method, path, requires, body } of ROUTES) {
    const button = Object.assign(document.createElement('button'), {
      type: 'button',
      textContent: `${method} ${path}`,
    });
    const output = Object.assign(document.createElement('pre'), { role: 'status', hidden: true });
    const item = document.createElement('li');
    item.append(button, ` requires ${requires}`, output);
    list.append(item);
    button.addEventListener('click', async () => {
      Object.assign(output, { hidden: false, textContent: '…' });
      output.textContent = await call(`${apiUrl}${path}`, method, body, prepare);
    });
  }
}

async function call(url, method, body, prepare) {
  try {
    const headers = { ...(await prepare()), ...(body ? { 'Content-Type': 'application/json' } : {}) };
    const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
    const reasons = REASONS.filter((name) => response.headers.has(name)).map(
      (name) => `${name}: ${response.headers.get(name)}`,
    );
    return [
      `${response.status} ${response.statusText}`,
      ...reasons,
      JSON.stringify(await response.json(), null, 2),
    ].join('\n');
  } catch (error) {
    return `No response: ${error.message}`;
  }
}
