import type { Messages } from './messages/en.ts'

/**
 * Approve appears a moment after the page (`arm` in the stylesheet: neither pointer nor keyboard reaches a hidden
 * button), and with a mouse only after the pointer has rested on the page, so that the second click of a double
 * click that began in another window lands on the cover. The paler one below it holds the place meanwhile.
 */
export const ConsentDecision = ({ text }: { text: Messages['consent'] }) => (
  <div class="decide">
    <button class="quiet" type="submit" name="decision" value="deny">
      {text.deny}
    </button>
    <div class="approve-slot">
      <span class="primary ghost" aria-hidden="true">
        {text.approve}
      </span>
      <button class="primary approve" type="submit" name="decision" value="approve">
        {text.approve}
      </button>
    </div>
  </div>
)
