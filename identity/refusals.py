"""What the register of people refuses."""

from audit.decisions import Refusal


class KeyNeedsPerson(Refusal):
    """A key is issued to a person who signed in, never to another key."""

    http_status = 403
    text_en = "Sign in to issue a key: a key cannot issue another."
    text_zh = "请登录后签发密钥：密钥不能签发密钥。"
