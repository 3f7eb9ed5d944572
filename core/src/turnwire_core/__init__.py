"""The small core of Turnwire: everything that is alike for all protocols.

    async with open_conversation(connection) as conversation:
        reply = await conversation.send("Hello")

A tool embeds it with :func:`load_config` and :func:`open_conversation`; a driver implements
:class:`Driver`, :class:`Session` and :class:`FrameStream`.
"""
