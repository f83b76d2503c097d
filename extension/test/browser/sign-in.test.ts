import { expect, test } from 'vitest';
import { openOwn, profile } from './chromium.ts';
import { Limn } from './server.ts';

test('one signs in on the server’s own page, or thinks better of it', async () => {
	const limn = await Limn.start();
	await limn.signUp('Ada', 'correct horse');
	const context = await profile(limn.extension('chrome'), { fresh: true });
	const options = await openOwn(context, 'options.html');
	const begin = async () => {
		const opened = context.waitForEvent('page');
		await options.getByRole('button', { name: 'I have a name here already' }).click();
		return opened;
	};
	const refused = await begin();
	await refused.getByLabel('Name').fill('Ada');
	await refused.getByLabel('Password').fill('wrong horse');
	await refused.getByRole('button', { name: 'Sign in' }).click();
	await refused.getByText('The name or the password is wrong.').waitFor(); // and the window is still there
	await refused.getByLabel('Password').fill('correct horse');
	const gone = refused.waitForEvent('close');
	await refused.getByRole('button', { name: 'Sign in' }).click();
	await refused.getByRole('button', { name: 'Do not' }).click();
	await gone;
	expect(await options.getByLabel('Your name').isVisible()).toBe(true);

	const page = await begin();
	await page.getByText('Let this browser use limn as Ada?').waitFor(); // the page knows who that is by now
	await page.getByRole('button', { name: 'Let it' }).click();
	await options.getByText('You are Ada.').waitFor();
	const identity = await context.serviceWorkers()[0]?.evaluate(() => chrome.storage.local.get('identity'));
	expect(JSON.stringify(identity)).toContain('"name":"Ada"');
});
