/** The scripted controller under the name that tests know it by. */
export {
  type Answer,
  manifestOf,
  type ScriptedController as ProtocolServer,
  type Seen,
  type ServedBuild,
  startScriptedController as startProtocolServer,
  TOKEN,
} from '../../../agent/conform/agent/scripted-controller.ts';
