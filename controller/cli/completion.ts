/** `ota completion SHELL`: prints what a shell needs to complete `ota`; it asks `ota complete` for each word. */
import { Argument } from 'commander';
import { EXIT } from './io.ts';
import { examples, type Verb } from './program.ts';

/** Each script calls `ota complete -- WORD…`. The last word is the one being typed. */
const SCRIPTS = {
  bash: `_ota() {
  local IFS=$'\\n'
  COMPREPLY=( $(ota complete -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" "\${COMP_WORDS[COMP_CWORD]}" 2>/dev/null) )
}
complete -o default -F _ota ota
`,
  zsh: `#compdef ota
_ota() {
  local -a found
  found=("\${(@f)$(ota complete -- "\${(@)words[2,CURRENT-1]}" "\${words[CURRENT]}" 2>/dev/null)}")
  found=("\${(@)found:#}")
  (( \${#found} )) && compadd -a found || _files
}
compdef _ota ota
`,
  fish: `function __ota_complete
  set -l words (commandline -opc)
  ota complete -- $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c ota -a '(__ota_complete)'
`,
} as const;

export const completion: Verb = (program, choose) => {
  program
    .command('completion')
    .summary('print the completion script for bash, zsh or fish')
    .description('Completes verbs, options, builds, devices, tags and contexts.')
    .addArgument(new Argument('<shell>', 'your shell').choices(Object.keys(SCRIPTS)))
    .addHelpText(
      'after',
      examples(
        'source <(ota completion bash)               # in ~/.bashrc',
        'source <(ota completion zsh)                # in ~/.zshrc, after compinit',
        'ota completion fish > ~/.config/fish/completions/ota.fish',
      ),
    )
    .action((shell: keyof typeof SCRIPTS) =>
      choose(async io => {
        io.out(SCRIPTS[shell]);
        return EXIT.fine;
      }),
    );
};
