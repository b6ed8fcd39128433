"""Words that say nothing of a text's topic: the closed classes of English and Chinese.

English: articles, pronouns, auxiliaries, prepositions, conjunctions and their contractions, the ground that the
Snowball list covers. Chinese: particles, pronouns, prepositions, conjunctions, adverbs of degree and common measure
words, in simplified and, where it differs, traditional form. No content word is listed: what is frequent in one domain
is for the inverse document frequency of its store to weigh.
"""

from __future__ import annotations

ENGLISH = frozenset(
    """
    a an the this that these those i me my myself we us our ours ourselves you your yours yourself yourselves he him
    his himself she her hers herself it its itself they them their theirs themselves who whom whose which what am is
    are was were be been being have has had having do does did doing done will would shall should can could may might
    must ought cannot and or but nor so yet if then else because as until while although though unless whereas whether
    than of at by for with about against between into through during before after above below to up down in out on off
    over under upon within without toward towards among across along around behind beside besides beyond near onto per
    via again further once here there when where why how all any both each every few more most much many other others
    another some such no not only own same too very just also even still already ever never now quite rather i'm you're
    he's she's it's we're they're i've you've we've they've i'd you'd he'd she'd we'd they'd i'll you'll he'll she'll
    we'll they'll isn't aren't wasn't weren't hasn't haven't hadn't doesn't don't didn't won't wouldn't shan't
    shouldn't can't couldn't mustn't mightn't needn't let's that's who's what's here's there's when's where's why's
    how's
    """.split()  # noqa: SIM905
)

CHINESE = frozenset(
    """
    的 了 着 著 过 過 地 得 之 所 者 吗 嗎 呢 吧 啊 呀 嘛 么 麼 哦 哪 啦 罢 罷 矣 乎 而已 似的 一样 一樣 我 你 您 他 她
    它 我们 我們 你们 你們 他们 他們 她们 她們 它们 它們 咱 咱们 咱們 自己 人家 大家 各自 彼此 其 某 某些 这 這 那 这个
    這個 那个 那個 这些 這些 那些 这里 這裡 那里 那裡 这样 這樣 那样 那樣 这么 這麼 那么 那麼 此 该 該 本 每 各 谁 誰
    什么 什麼 怎么 怎麼 怎样 怎樣 如何 哪个 哪個 哪些 哪里 哪裡 为什么 為什麼 为何 為何 几 幾 多少 在 从 從 自 自从
    自從 于 於 由 向 往 朝 到 当 當 对 對 对于 對於 关于 關於 把 被 将 將 给 給 让 讓 使 用 以 按 按照 根据 根據 通过
    通過 经过 經過 为 為 为了 為了 因 因为 因為 由于 由於 比 跟 与 與 和 同 及 以及 并 並 并且 並且 或 或者 还是 還是
    而 而且 且 但 但是 不过 不過 然而 可是 却 卻 虽然 雖然 尽管 儘管 即使 如果 若 假如 只要 只有 除非 除了 无论 無論
    不管 所以 因此 于是 於是 从而 從而 因而 既 既然 则 則 否则 否則 不但 不仅 不僅 以便 此外 另外 其中 例如 比如 等
    等等 是 有 没有 沒有 没 沒 不 不是 无 無 非 未 别 別 会 會 能 能够 能夠 可 可以 可能 应 應 应该 應該 要 想 必须
    必須 需要 得以 也 都 又 再 还 還 就 才 只 仅 僅 更 最 很 太 非常 十分 比较 比較 越 极 極 已 已经 已經 曾 曾经 曾經
    正 正在 刚 剛 便 即 均 共 总 總 仍 仍然 依然 一直 一定 一般 一些 一种 一種 一个 一個 一 个 個 种 種 些 次 位 名 件
    条 條 只是 就是 也是 还有 還有 之后 之後 之前 以后 以後 以前 以上 以下 以来 以來 之间 之間 时 時 时候 時候 中 上 下
    里 裡 内 內 外 前 后 後 间 間
    """.split()  # noqa: SIM905
)
