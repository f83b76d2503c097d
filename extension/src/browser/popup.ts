import { count as counted, say, sayAll } from '../ui/say.ts';
import { against } from '../ui/words.ts';
import { ask, type State, type Tell } from './messages.ts';
import { find, openSide } from './page.ts';

sayAll(document);

const state = find('state', HTMLElement);
const lamp = find('lamp', HTMLElement);
const count = find('count', HTMLElement);
const toggle = find('on', HTMLInputElement);
const site = find('site', HTMLElement);
const form = find('who', HTMLFormElement);
const input = find('name', HTMLInputElement);
const wrong = find('wrong', HTMLElement);
const known = find('known', HTMLElement);
const link = find('server', HTMLAnchorElement);

let shown: chrome.tabs.Tab | undefined;

async function show(): Promise<void> {
	const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
	shown = tab;
	const address = tab?.url && URL.canParse(tab.url) ? new URL(tab.url) : null;
	const readable = address?.protocol === 'http:' || address?.protocol === 'https:';
	const origin = readable && address ? address.origin : '';
	const settings = await ask('settings', { origin });

	link.href = settings.server;
	link.textContent = new URL(settings.server).host;
	known.hidden = settings.account === null;
	known.textContent = settings.account ? say('youAre', settings.account.name) : '';
	form.hidden = settings.account !== null;

	toggle.disabled = !readable;
	toggle.checked = readable && settings.on;
	site.textContent = say('onFor', readable && address ? address.host : say('thatPage'));
	const now = tab?.id === undefined ? null : await stateOf(tab.id);
	const status = settings.on ? (now?.status ?? null) : null;
	lamp.className = `lamp ${status ?? 'off'}`;
	state.textContent = status
		? say(status)
		: settings.on && readable && !now?.unreadable
			? say('reloadToBegin')
			: say('off');
	count.textContent = !readable
		? say('cannotHighlight')
		: now?.unreadable
			? say('noPDF')
			: !settings.on
				? say(now?.near ? 'near' : 'turnOn')
				: now && now.highlights > 0
					? counted('onThisPage', now.highlights)
					: say('nothingHere');

	toggle.onchange = async () => {
		await ask('site', { origin, on: toggle.checked });
		await show();
	};
}

async function stateOf(tab: number): Promise<State | null> {
	const tell: Tell = { tell: 'state' };
	const told: unknown = await chrome.tabs.sendMessage(tab, tell, { frameId: 0 }).catch(() => null);
	return (told as State | null) ?? null;
}

find('side', HTMLButtonElement).addEventListener('click', () => {
	if (shown?.id !== undefined) openSide(shown.windowId, shown.id);
	close();
});

form.addEventListener('submit', async (event) => {
	event.preventDefault();
	const name = input.value.trim();
	try {
		if (name) await ask('signUp', { name });
		wrong.textContent = '';
		await show();
	} catch (cause) {
		wrong.textContent = against(name, cause);
	}
});

find('other', HTMLButtonElement).addEventListener('click', () => void ask('signIn', {}).then(show));

void show();
