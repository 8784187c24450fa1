// What VS Code does with JSON, without VS Code: npm's vscode-json-languageservice, which is the part of it that completes,
// checks and explains. Its arguments are the folder that holds node_modules and the folder that the editor has open. Each
// line of the standard input is a file of that folder and a place in it; each is answered by a line.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';

const installed = createRequire(join(process.argv[2], 'package.json'));
const { getLanguageService, TextDocument } = installed('vscode-json-languageservice');
const folder = pathToFileURL(process.argv[3] + '/').href;

const service = getLanguageService({
  // Schemas are files of the folder. An editor that is off line gets no others, and needs none.
  schemaRequestService: (uri) =>
    uri.startsWith(folder) ? readFile(fileURLToPath(uri), 'utf8') : Promise.reject(new Error(`${uri} is not in the folder`)),
  workspaceContext: { resolveRelativePath: (path, resource) => new URL(path, resource).href },
});
service.configure({ validate: true });

for await (const line of createInterface({ input: process.stdin })) {
  const { file, text, offset } = JSON.parse(line);
  const language = file.endsWith('c') ? 'jsonc' : 'json';
  const comments = language === 'jsonc' ? 'ignore' : 'error';
  const document = TextDocument.create(folder + file, language, 1, text);
  const parsed = service.parseJSONDocument(document);
  const said = await service.doValidation(document, parsed, { comments, trailingCommas: comments, schemaValidation: 'error' });
  const offered = await service.doComplete(document, document.positionAt(offset), parsed);
  const hover = await service.doHover(document, document.positionAt(offset), parsed);
  const explained = [hover?.contents ?? []].flat().map((part) => part.value ?? part).join('\n');
  console.log(JSON.stringify({
    diagnostics: said.map((d) => ({ marked: document.getText(d.range), message: d.message })),
    completions: (offered?.items ?? []).map((i) => ({
      label: i.label, inserts: i.textEdit?.newText ?? i.insertText ?? '', about: i.documentation?.value ?? i.documentation ?? '',
    })),
    hover: explained,
  }));
}
