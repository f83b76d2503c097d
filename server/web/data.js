// Shows how far a file is that is taken in. Without this script the form sends it, and its answer says what became of it.
const form = document.getElementById('import');
const said = document.getElementById('taken');
const progress = document.getElementById('progress');
const button = form.querySelector('button');
const most = 100; // refusals that are shown

const number = new Intl.NumberFormat();
const count = (n, one, many) => (n === 1 ? `1 ${one}` : `${number.format(n)} ${many}`);

function element(name, className, text) {
	const made = document.createElement(name);
	made.className = className;
	made.textContent = text;
	return made;
}

/** Says what became of a file: an outcome a line, and in the last how many there were of each kind. */
function tell(lines) {
	const tally = { created: 0, present: 0, refused: 0 };
	const refusals = [];
	for (const line of lines) {
		const outcome = JSON.parse(line);
		if (outcome.created !== undefined) Object.assign(tally, outcome);
		else if (outcome.status >= 400) refusals.push(outcome);
	}
	const parts = [`${count(tally.created, 'highlight or reply is', 'highlights and replies are')} in now`];
	if (tally.present) parts.push(`, ${number.format(tally.present)} were here already`);
	parts.push('.');
	if (tally.refused) parts.push(` ${count(tally.refused, 'item', 'items')} could not be taken${refusals.length ? ':' : '.'}`);
	const list = element('ul', 'list', '');
	for (const { line, pointer, detail } of refusals.slice(0, most)) {
		list.append(element('li', '', `Line ${line}${pointer ? `, ${pointer}` : ''}: ${detail}`));
	}
	said.replaceChildren(element('p', tally.refused ? 'problem' : 'done', parts.join('')), ...(list.children.length ? [list] : []));
}

form.addEventListener('submit', (event) => {
	event.preventDefault();
	const { format, group, file } = form.elements;
	const query = new URLSearchParams({ format: format.value });
	if (group.value) query.set('group', group.value);
	const request = new XMLHttpRequest(); // which says, as fetch does not, how much is sent
	const end = () => {
		progress.hidden = true;
		button.disabled = false;
	};
	const fail = () => {
		said.replaceChildren(element('p', 'problem', 'It broke off. What was taken in is kept; send the file again for the rest.'));
		end();
	};
	request.open('POST', `/api/v1/import?${query}`);
	request.upload.addEventListener('progress', ({ loaded, total }) => {
		progress.value = total ? loaded / total : 0;
	});
	request.upload.addEventListener('load', () => {
		progress.removeAttribute('value'); // how long the rest takes is not known
		said.replaceChildren(element('p', 'quiet', 'It was read, and is being taken in.'));
	});
	request.addEventListener('error', fail);
	request.addEventListener('load', () => {
		if (request.status !== 200) {
			said.replaceChildren(element('p', 'problem', JSON.parse(request.responseText).detail));
		} else {
			tell(request.responseText.split('\n').filter(Boolean));
		}
		end();
	});
	button.disabled = true;
	progress.hidden = false;
	progress.value = 0;
	said.replaceChildren(element('p', 'quiet', 'It is being read.'));
	request.send(file.files[0]);
});
