"""Assets: documents, images and embeds to place in a pop's regions, and background images.

Placing is ``create_pop``'s and ``update_pop``'s: an asset's id goes into `populate_regions`, a background image's into
`background_image_asset_id`.
"""

from pydantic import Field

from daemon.connectors.populr import client as populr
from daemon.contract import declare, files, http, requests
from daemon.model.jsons import Json
from daemon.model.runs import Doubt

DOCUMENTS, IMAGES, BACKGROUNDS, EMBEDS = "/documents", "/images", "/background_images", "/embeds"
WHY_UNSAFE = "a second POST would make a second asset, and Populr documents no way to look for the first"
WHY_DELETED = "an asset that is deleted stays so"


class UploadDocument(declare.Parameters):
    """A document to upload."""

    file: files.File = Field(
        description="The document: a path on this machine, `{ name, content }`, `{ name, url }` or `{ name, rows }`."
    )
    title: str | None = Field(None, description="The title that is shown in the list of assets.")
    description: str | None = Field(
        None, description="A description for the editor (known from the vendor's Ruby client)."
    )


class UploadImage(UploadDocument):
    """An image to upload."""

    file: files.File = Field(
        description="The image: a path on this machine, `{ name, content }`, `{ name, url }` or `{ name, rows }`."
    )
    link: str | None = Field(None, description="Where a click on the image leads once it is placed.")


class UploadBackgroundImage(UploadDocument):
    """An image to upload for a pop's background."""

    file: files.File = Field(
        description="The image: a path on this machine, `{ name, content }`, `{ name, url }` or `{ name, rows }`."
    )


class CreateEmbed(declare.Parameters):
    """HTML to show within a pop."""

    source_html: str = Field(
        description="The HTML; best with a flexible width, or with fixed width and height.", min_length=1
    )
    title: str | None = Field(None, description="The title that is shown in the list of assets.")
    description: str | None = Field(None, description="A description for the editor.")


class AssetId(declare.Parameters):
    """Which asset."""

    asset_id: str = Field(description="The asset's id.", min_length=1)


class AssetResult(declare.Result):
    """An asset as the API shows it."""

    id: str = Field(description="The asset's id, for `populate_regions`.")
    vendor_id: str | None = Field(None, alias="_id", description="The same id, under the API's own name.")
    asset_id: str | None = Field(None, description="The same id once more.")
    title: str | None = Field(None, description="The title that is shown in the list of assets.")
    description: str | None = Field(None, description="The description for the editor.")
    link: str | None = Field(None, description="Where a click on an image leads.")
    upload_identifier: str | None = Field(None, description="What an uploader called it; usually null.")
    source_html: str | None = Field(None, description="The HTML of an embed.")


class DeletedAsset(declare.Result):
    """An asset that does not exist any more."""

    id: str = Field(description="The asset's id.")
    existed: bool = Field(description="Whether it was still there when it was deleted.")


@declare.action(
    "populr.upload_document",
    doubt=Doubt.UNSAFE,
    why=WHY_UNSAFE,
    example={"file": {"name": "offer.txt", "content": "Valid until Friday."}, "title": "Offer"},
)
async def upload_document(
    client: populr.PopulrClient, parameters: UploadDocument, call: declare.Call
) -> declare.Done[AssetResult]:
    """Upload a document, for a region of the type `document`."""
    return await _upload(client, DOCUMENTS, parameters)


@declare.action(
    "populr.upload_image",
    doubt=Doubt.UNSAFE,
    why=WHY_UNSAFE,
    example={"file": "/srv/pages/logo.png", "link": "https://www.example.com"},
)
async def upload_image(
    client: populr.PopulrClient, parameters: UploadImage, call: declare.Call
) -> declare.Done[AssetResult]:
    """Upload an image, for a region of the type `image`."""
    return await _upload(client, IMAGES, parameters)


@declare.action(
    "populr.upload_background_image",
    doubt=Doubt.UNSAFE,
    why=WHY_UNSAFE,
    example={"file": "/srv/pages/harbour.jpg"},
)
async def upload_background_image(
    client: populr.PopulrClient, parameters: UploadBackgroundImage, call: declare.Call
) -> declare.Done[AssetResult]:
    """Upload a background image; a pop shows it when its `background_image_asset_id` is set to its id."""
    return await _upload(client, BACKGROUNDS, parameters)


@declare.action(
    "populr.create_embed",
    doubt=Doubt.UNSAFE,
    why=WHY_UNSAFE,
    example={"source_html": "<p>Until Friday</p>", "title": "Notice"},
)
async def create_embed(
    client: populr.PopulrClient, parameters: CreateEmbed, call: declare.Call
) -> declare.Done[AssetResult]:
    """Make an embed of HTML, for a region of the type `embed`."""
    fields = parameters.model_dump(exclude_none=True)
    return _made(await client.send("POST", EMBEDS, json=fields))


@declare.action(
    "populr.delete_document",
    doubt=Doubt.REPEATABLE,
    why=WHY_DELETED,
    example={"asset_id": "692cda80dd02dc42d900000b"},
)
async def delete_document(
    client: populr.PopulrClient, parameters: AssetId, call: declare.Call
) -> declare.Done[DeletedAsset]:
    """Delete a document. One that is not there is no error."""
    return await _delete(client, DOCUMENTS, parameters)


@declare.action(
    "populr.delete_image",
    doubt=Doubt.REPEATABLE,
    why=WHY_DELETED,
    example={"asset_id": "692cda80dd02dc42d900000c"},
)
async def delete_image(
    client: populr.PopulrClient, parameters: AssetId, call: declare.Call
) -> declare.Done[DeletedAsset]:
    """Delete an image. One that is not there is no error."""
    return await _delete(client, IMAGES, parameters)


@declare.action(
    "populr.delete_background_image",
    doubt=Doubt.REPEATABLE,
    why=WHY_DELETED,
    example={"asset_id": "692cda80dd02dc42d900000d"},
)
async def delete_background_image(
    client: populr.PopulrClient, parameters: AssetId, call: declare.Call
) -> declare.Done[DeletedAsset]:
    """Delete a background image. One that is not there is no error."""
    return await _delete(client, BACKGROUNDS, parameters)


@declare.action(
    "populr.delete_embed",
    doubt=Doubt.REPEATABLE,
    why=WHY_DELETED,
    example={"asset_id": "692cda80dd02dc42d900000e"},
)
async def delete_embed(
    client: populr.PopulrClient, parameters: AssetId, call: declare.Call
) -> declare.Done[DeletedAsset]:
    """Delete an embed. One that is not there is no error."""
    return await _delete(client, EMBEDS, parameters)


async def _upload(
    client: populr.PopulrClient, path: str, parameters: UploadDocument
) -> declare.Done[AssetResult]:
    fields = parameters.model_dump(exclude_none=True, exclude={"file"})
    return _made(await client.send("POST", path, form=fields, files={"file": parameters.file}))


def _made(reply: http.Reply) -> declare.Done[AssetResult]:
    asset: Json = reply.json()
    if isinstance(asset, dict) and asset.get("asset_id"):
        asset = {
            "_id": asset["asset_id"],
            **asset,
        }  # both are the same (Populr API text), and one may be missing
    record = populr.as_record(asset)
    return declare.Done(requests.parse("Populr", AssetResult, record), made=[("asset", record["id"])])


async def _delete(client: populr.PopulrClient, path: str, parameters: AssetId) -> declare.Done[DeletedAsset]:
    existed = await client.delete(f"{path}/{http.segment(parameters.asset_id)}")
    return declare.Done(DeletedAsset(id=parameters.asset_id, existed=existed))
