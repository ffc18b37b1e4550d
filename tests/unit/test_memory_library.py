from dataclasses import replace

import pytest

from tests.contracts.deleting_contract import DeletingContract
from tests.contracts.editing_contract import EditingContract
from tests.contracts.library_contract import LibraryContract
from tests.contracts.looking_contract import LookingContract
from tests.contracts.naming_contract import NamingContract
from tests.contracts.recount_contract import RecountContract
from tests.contracts.recovery_contract import RecoveryContract
from tests.contracts.usage_contract import UsageContract
from tests.contracts.withdrawing_contract import WithdrawingContract
from tests.fakes.memory_library import MemoryLibrary
from voxshelf.core.account import Amount


class TestMemoryLibrary(
    LibraryContract,
    LookingContract,
    NamingContract,
    RecoveryContract,
    UsageContract,
    EditingContract,
    DeletingContract,
    WithdrawingContract,
    RecountContract,
):
    @pytest.fixture
    def shelf(self):
        library = MemoryLibrary()
        library.renamed_at_once = library.taken_at_once = 2
        return library

    @pytest.fixture
    def spoil(self, shelf):
        kept = {"voices": "voices", "generations": "generations", "bytes": "size_bytes"}

        def spoil(uid, account, voices):
            own = shelf.accounts[uid]
            wrong = {kept.get(name, name): count for name, count in account.items()}
            reserved = Amount(generations=wrong.pop("reserved", 0))
            renamings = wrong.pop("renamings", own.renamings)
            shelf.accounts[uid] = replace(
                own, kept=replace(own.kept, **wrong), reserved=reserved, renamings=renamings
            )
            if "reserved" not in account:
                reserved = own.reserved
                shelf.accounts[uid] = replace(shelf.accounts[uid], reserved=reserved)
            for voice_id, count in voices.items():
                record = shelf.records[uid, "voices", voice_id]
                if record.ready:
                    record.ready = replace(record.ready, generation_count=count)
                else:
                    item = replace(record.trash.item, generation_count=count)
                    record.trash = replace(record.trash, item=item)

        return spoil
